"""Finding passages: both indexes, fused, over one base or several, and why."""

"""Doors for other frameworks. One framework a file; each needs its own extra."""

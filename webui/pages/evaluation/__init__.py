"""How good a base is."""

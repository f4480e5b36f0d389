"""Pieces of the system page."""

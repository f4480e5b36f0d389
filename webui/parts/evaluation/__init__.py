"""Pieces of the evaluation page."""

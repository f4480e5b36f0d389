"""Pieces of the page of knowledge bases."""

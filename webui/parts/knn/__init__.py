"""Pieces of the kNN-LM page."""

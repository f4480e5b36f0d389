"""Asking with kNN-LM."""

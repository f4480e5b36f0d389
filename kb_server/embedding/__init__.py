"""Embedders: text in, unit-length vectors out. One backend a file."""

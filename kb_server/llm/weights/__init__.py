"""Weights: read, quantized, placed into a model, and written in other forms."""

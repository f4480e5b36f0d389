"""Language models: their engines, decoding, weights and files."""

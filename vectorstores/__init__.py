"""Ids and vectors only: memory (the oracle) and faiss."""

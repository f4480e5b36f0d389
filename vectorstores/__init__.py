"""Ids and vectors only: memory (the oracle), faiss, annoy and milvus."""

"""One durable file of vectors, and the store over it that FAISS and Annoy share."""

"""FAISS: exact, and inverted lists where there are many vectors."""

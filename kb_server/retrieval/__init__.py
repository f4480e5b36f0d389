"""Finding the chunks that a question is about: words, vectors, and the two mixed."""

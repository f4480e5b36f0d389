"""ChatGLM as it was published: layouts that transformers does not read, read here without running their code."""

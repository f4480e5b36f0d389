"""The routes that Langchain-Chatchat's clients know (its 0.3)."""

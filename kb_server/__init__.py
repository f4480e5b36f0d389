"""A local knowledge base that answers questions about your documents, with citations you can check."""

__version__ = "0.1.0"

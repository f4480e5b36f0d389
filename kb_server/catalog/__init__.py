"""The source of truth: which knowledge bases, documents and chunks there are."""

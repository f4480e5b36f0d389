"""Looking after knowledge bases."""

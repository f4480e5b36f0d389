"""Chat with documents."""

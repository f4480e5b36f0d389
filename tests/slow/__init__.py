"""What takes minutes."""

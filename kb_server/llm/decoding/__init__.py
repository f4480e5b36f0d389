"""From a prompt to text, token by token."""

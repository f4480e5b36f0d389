"""The words, the protocols and the one error tree; it imports nothing of ours."""

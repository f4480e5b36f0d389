"""Text, code, and the kinds of text with marks in it."""

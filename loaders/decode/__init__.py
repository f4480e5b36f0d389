"""Bytes -> text, when nobody says how the text was encoded."""

"""A knowledge base as one portable file: its format, written and read."""

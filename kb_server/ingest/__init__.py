"""Files in, searchable documents out."""

"""Language models that write answers. One backend a file."""

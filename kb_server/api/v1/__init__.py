"""Our own routes, one resource a file with what it takes and gives."""

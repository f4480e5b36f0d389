"""Document -> slices."""

"""Office documents from before 2007."""

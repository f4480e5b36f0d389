"""One folder a page: its screen, its parts, what it says."""

"""File -> Document (blocks with page and heading path), and Document -> slices."""

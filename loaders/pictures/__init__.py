"""Pictures: the text they show."""

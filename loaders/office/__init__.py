"""Office documents of today: Word, PowerPoint, Excel."""

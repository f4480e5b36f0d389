"""PDF files: their text layer, tables, and OCR where a page has none."""

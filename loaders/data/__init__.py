"""Data: tables as text, JSON, XML, notebooks."""

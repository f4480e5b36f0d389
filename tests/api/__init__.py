"""The service over HTTP, against a real process."""

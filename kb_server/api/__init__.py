"""The service over HTTP. A route parses, calls one service, returns."""

"""Suites that every backend of a port passes."""

"""Tests of v1."""

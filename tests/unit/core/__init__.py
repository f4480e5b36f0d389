"""Tests of kb_server/core."""

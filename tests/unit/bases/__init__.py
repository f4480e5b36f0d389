"""Tests of bases."""

"""Tests of old Office documents."""

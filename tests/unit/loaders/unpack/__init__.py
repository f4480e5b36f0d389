"""Tests of unpack."""

"""Tests of refusal."""

"""Tests of safe."""

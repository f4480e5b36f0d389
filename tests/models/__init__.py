"""Tiny random models in the layouts that were published, and references to compare with."""

"""Fitting a base's settings to its own text, with questions made from it."""

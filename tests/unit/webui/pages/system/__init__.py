"""Tests of the system page's parts."""

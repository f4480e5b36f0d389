"""Tests of the bases page's parts."""

"""Tests of the knn page's parts."""

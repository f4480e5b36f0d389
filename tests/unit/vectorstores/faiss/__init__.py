"""Tests of faiss."""

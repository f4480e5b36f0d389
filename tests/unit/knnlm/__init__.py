"""Tests of kNN-LM."""

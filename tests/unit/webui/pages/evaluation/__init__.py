"""Tests of the evaluation page's parts."""

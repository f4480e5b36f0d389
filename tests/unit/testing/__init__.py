"""Tests of the contract suites."""

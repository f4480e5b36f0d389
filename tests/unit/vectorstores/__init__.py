"""Tests of vectorstores."""

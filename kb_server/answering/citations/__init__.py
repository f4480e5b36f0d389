"""Backing each sentence of an answer by a quote, and checking that the quote says it."""

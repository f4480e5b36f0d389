"""Answering with tools: the loop of a model that calls them, and the tools."""

"""Tests of milvus."""

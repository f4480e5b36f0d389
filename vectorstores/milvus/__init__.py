"""Milvus: Lite in a folder, or a server."""

"""Rendering strangers' text: trees of nodes, never HTML."""

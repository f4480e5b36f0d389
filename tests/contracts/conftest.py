"""Stores whose package is not installed are skipped by name."""

from importlib.util import find_spec

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip Annoy's tests where it could not be compiled."""
    if find_spec("annoy") is None:
        reason = "annoy is not installed (it comes as source and needs a C++ compiler): pip install 'kb-server[annoy]'"
        for item in items:
            if "[annoy" in item.name:
                item.add_marker(pytest.mark.skip(reason=reason))

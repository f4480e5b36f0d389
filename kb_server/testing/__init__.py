"""What a backend of a port has to do, as tests that a plug-in inherits.

A suite is a class of pytest tests. Inherit it in a class whose name begins with `Test`, and give it the fixture that
its docstring names; docs/plugin-example is a whole plug-in made so. Our own backends pass the same suites
(tests/contracts). Nothing else of the service imports this package: it needs pytest and hypothesis, which the service
does not, so a suite is imported when it is first asked for.
"""

import sys
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from kb_server.core.errors import MissingExtra

if TYPE_CHECKING:
    from kb_server.testing.documents import LoaderSuite, SplitterSuite
    from kb_server.testing.durable_stores import (
        ApproximateStoreSuite,
        BufferedStoreSuite,
        ConcurrentStoreSuite,
        DurableStoreSuite,
        SharedStoreSuite,
    )
    from kb_server.testing.lexical_indexes import LexicalIndexSuite
    from kb_server.testing.models import EmbedderSuite, GeneratorSuite, RerankerSuite
    from kb_server.testing.vector_stores import ExactStoreSuite, OrderedTiesSuite, VectorStoreSuite

__all__ = [
    "ApproximateStoreSuite",
    "BufferedStoreSuite",
    "ConcurrentStoreSuite",
    "DurableStoreSuite",
    "EmbedderSuite",
    "ExactStoreSuite",
    "GeneratorSuite",
    "LexicalIndexSuite",
    "LoaderSuite",
    "OrderedTiesSuite",
    "RerankerSuite",
    "SharedStoreSuite",
    "SplitterSuite",
    "VectorStoreSuite",
]

_MODULES = {
    "ApproximateStoreSuite": "durable_stores",
    "BufferedStoreSuite": "durable_stores",
    "ConcurrentStoreSuite": "durable_stores",
    "DurableStoreSuite": "durable_stores",
    "EmbedderSuite": "models",
    "ExactStoreSuite": "vector_stores",
    "GeneratorSuite": "models",
    "LexicalIndexSuite": "lexical_indexes",
    "LoaderSuite": "documents",
    "OrderedTiesSuite": "vector_stores",
    "RerankerSuite": "models",
    "SharedStoreSuite": "durable_stores",
    "SplitterSuite": "documents",
    "VectorStoreSuite": "vector_stores",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a class of any suite
    """Import the suite of this name; raises MissingExtra without pytest or hypothesis."""
    if name not in _MODULES:
        raise AttributeError(f"kb_server.testing has no suite {name}.")
    missing = [package for package in ("pytest", "hypothesis") if find_spec(package) is None]
    if missing:
        raise MissingExtra(
            f"The suite {name} needs {' and '.join(missing)}, which this Python does not have.",
            "Run: pip install pytest hypothesis",
        )
    _show_values_of_failed_asserts()
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def _show_values_of_failed_asserts() -> None:
    """Let pytest rewrite the suites' asserts, as it does in test files; only before they are imported."""
    import pytest

    modules = {f"{__name__}.{module}" for module in _MODULES.values()}
    pytest.register_assert_rewrite(*sorted(modules - sys.modules.keys()))

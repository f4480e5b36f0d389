"""The contract suites: importable without pytest, and able to fail."""

import subprocess
import sys
from collections.abc import Collection, Sequence

import numpy as np
import pytest

import kb_server.testing
from kb_server.core.domain import Document, Slice
from kb_server.core.ports import Vectors
from kb_server.search.lexical import TantivyIndex
from kb_server.testing import EmbedderSuite, LexicalIndexSuite, SplitterSuite, VectorStoreSuite
from kb_server.testing.lexical_indexes import TEXTS
from kb_server.testing.vector_stores import DIMENSION
from loaders.split.splitter import SentenceSplitter
from tests.paths import ROOT
from tests.workshop import ToyEmbedder
from vectorstores.memory import MemoryStore

WITHOUT_PYTEST = """
import sys
sys.modules["pytest"] = sys.modules["hypothesis"] = None
import kb_server.testing
from kb_server.core.errors import MissingExtra
try:
    from kb_server.testing import VectorStoreSuite
except MissingExtra as error:
    print(error)
"""


def test_without_pytest_only_using_a_suite_fails() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_PYTEST], capture_output=True, text=True, cwd=ROOT, check=True)
    assert "VectorStoreSuite needs pytest and hypothesis" in done.stdout
    assert "pip install pytest hypothesis" in done.stdout


def test_every_suite_is_there_and_ours_are_tested_by_it() -> None:
    ours = "".join(path.read_text("utf-8") for path in (ROOT / "tests" / "contracts").glob("test_*.py"))
    suites = [getattr(kb_server.testing, name) for name in kb_server.testing.__all__]
    inherited = {base for suite in suites if suite.__name__ in ours for base in suite.__mro__}
    for suite in suites:
        assert any(method.startswith("test_") for method in dir(suite))
        assert suite in inherited, f"no backend of ours inherits {suite.__name__}"
    with pytest.raises(AttributeError, match="NoSuite"):
        kb_server.testing.NoSuite  # noqa: B018 - asking is the test


class _Cosines(MemoryStore):
    """Gives cosines for scores."""

    def search(self, vector: Vectors, k: int, allowed: Collection[int] | None = None) -> list[tuple[int, float]]:
        return [(id_, 2 * score - 1) for id_, score in super().search(vector, k, allowed)]


class _Blind(MemoryStore):
    """Does not look at `allowed`."""

    def search(self, vector: Vectors, k: int, allowed: Collection[int] | None = None) -> list[tuple[int, float]]:
        del allowed
        return super().search(vector, k)


def test_a_store_with_a_fault_fails() -> None:
    suite = VectorStoreSuite()
    with pytest.raises(AssertionError):
        suite.test_scores_are_half_of_one_plus_cosine(_Cosines(DIMENSION))
    with pytest.raises(AssertionError):
        suite.test_agrees_with_a_matrix_product(_Cosines(DIMENSION))
    with pytest.raises(AssertionError):
        suite.test_allowed(_Blind(DIMENSION))


def test_an_index_with_a_fault_fails() -> None:
    index = TantivyIndex()
    index.add([*TEXTS, 6], [*TEXTS.values(), "red"])  # one text too many moves every weight
    index.flush()
    with pytest.raises(AssertionError):
        LexicalIndexSuite().test_ranks_and_scores_are_those_of_bm25(index, "red tart")


class _Short(ToyEmbedder):
    """Gives vectors that are no unit length, each the one of the text before it."""

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        return np.roll(2 * super().embed_passages(texts), 1, axis=0)


def test_an_embedder_with_a_fault_fails() -> None:
    suite, embedder = EmbedderSuite(), _Short()
    with pytest.raises(AssertionError):
        suite.test_passages_become_rows_of_unit_length(embedder)
    with pytest.raises(AssertionError):
        suite.test_a_vector_depends_on_its_own_text_alone(embedder)
    with pytest.raises(AssertionError, match="the same vectors"):
        suite.test_the_fingerprint_tells_other_vectors_apart(ToyEmbedder(), ToyEmbedder())


class _Forgetful(SentenceSplitter):
    """Leaves out the last slice."""

    def split(self, document: Document) -> list[Slice]:
        return super().split(document)[:-1]


def test_a_splitter_with_a_fault_fails() -> None:
    with pytest.raises(AssertionError):
        SplitterSuite().test_slices_come_in_reading_order_and_hold_all_text(_Forgetful(30, 5))

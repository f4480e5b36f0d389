"""Our word indexes in their suite."""

import pytest

from kb_server.search.lexical import TantivyIndex
from kb_server.testing import LexicalIndexSuite
from kb_server.testing.lexical_indexes import OpenIndex
from vectorstores.milvus.words import MilvusWords


class TestTantivy(LexicalIndexSuite):
    @pytest.fixture
    def open_index(self) -> OpenIndex:
        return TantivyIndex


class TestMilvusWords(LexicalIndexSuite):
    @pytest.fixture
    def open_index(self) -> OpenIndex:
        return MilvusWords

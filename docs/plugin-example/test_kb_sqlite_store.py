"""The promises of a vector store, as kb_server.testing has them; and what is this store's own."""

from pathlib import Path

import pytest
from kb_sqlite_store import FILE, SqliteStore

from kb_server.core.errors import StorageError
from kb_server.testing import DurableStoreSuite, ExactStoreSuite, OrderedTiesSuite, SharedStoreSuite
from kb_server.testing.vector_stores import OpenStore


class TestSqliteStore(OrderedTiesSuite, ExactStoreSuite, DurableStoreSuite, SharedStoreSuite):
    """All promises of the port; 20 made-up sequences of calls, as each opens files."""

    examples = 20

    @pytest.fixture
    def open_store(self) -> OpenStore:
        return SqliteStore


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("no database " * 100, "utf-8")
    with pytest.raises(StorageError, match=FILE):
        SqliteStore(tmp_path, 4).ids()

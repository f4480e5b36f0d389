"""Catalogs to test with: SQLite always, PostgreSQL where its programs are installed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgresql import PostgresServer, find_programs


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresServer]:
    """Start a server for this run; skipped with a reason where that cannot be done."""
    programs = find_programs()
    if programs is None:
        pytest.skip("PostgreSQL's initdb and postgres are not installed (Debian: apt-get install postgresql).")
    pytest.importorskip("psycopg", reason="The extra 'postgresql' is not installed.")
    server = PostgresServer(programs)
    yield server
    server.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the address of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'catalog.db'}"
    server: PostgresServer = request.getfixturevalue("postgresql")
    return server.new_database()

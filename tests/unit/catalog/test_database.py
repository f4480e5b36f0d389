"""What the catalog's database says when it cannot write: told by its codes, whatever language it speaks."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, text

import kb_server.catalog.database
from kb_server.catalog.database import Database, batched
from kb_server.catalog.schema import temporary_bases
from kb_server.core.errors import Busy, StorageError, StorageFull
from tests.postgresql import PostgresServer
from tests.small_disk import fill, small_disk_at


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk_at(tmp_path / "disk", 2) as made:
        yield made


@pytest.mark.parametrize("left", [0, 4_096, 40_000])
def test_a_full_disk_is_told_and_the_same_call_works_later(disk: Path, left: int) -> None:
    database = Database(f"sqlite:///{disk / 'catalog.db'}")
    ballast = fill(disk, left)
    for _ in range(2):
        with pytest.raises(StorageFull, match="No space is left for the catalog"), database.writing() as connection:
            connection.execute(text("CREATE TABLE large AS SELECT randomblob(100000) AS bytes"))
    ballast.unlink()
    with database.writing() as connection:
        connection.execute(text("CREATE TABLE large AS SELECT randomblob(100000) AS bytes"))
    database.close()


@pytest.mark.parametrize("left", [0, 4_096, 8_192, 100_000])
def test_a_new_catalog_on_a_full_disk(disk: Path, left: int) -> None:
    """With 8,192 bytes there is room for the log and none for the file beside it: SQLite says "disk I/O error"."""
    fill(disk, left)
    with pytest.raises(StorageFull):
        Database(f"sqlite:///{disk / 'catalog.db'}")


def test_another_writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kb_server.catalog.database, "_BUSY_SECONDS", 0)
    database = Database(f"sqlite:///{tmp_path / 'catalog.db'}")
    other = sqlite3.connect(tmp_path / "catalog.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Busy, match="being written"), database.writing():
        pass
    other.close()
    database.close()


@pytest.mark.parametrize("words", ["the moon is full", "it is locked"])
def test_words_of_a_message_decide_nothing(words: str) -> None:
    database = Database("sqlite://")
    with database.writing() as connection:
        connection.execute(text("CREATE TABLE strict (value)"))
        connection.execute(
            text(f"CREATE TRIGGER refuse BEFORE INSERT ON strict BEGIN SELECT RAISE(ABORT, '{words}'); END")
        )
    with pytest.raises(StorageError, match=words) as caught, database.writing() as connection:
        connection.execute(text("INSERT INTO strict VALUES (1)"))
    assert type(caught.value) is StorageError
    database.close()


@pytest.mark.parametrize(
    ("state", "error"), [("53100", StorageFull), ("55P03", Busy), ("40P01", Busy), ("42P01", StorageError)]
)
def test_postgresql(postgresql: PostgresServer, state: str, error: type[StorageError]) -> None:
    database = Database(postgresql.new_database())
    with pytest.raises(StorageError) as caught, database.writing() as connection:
        connection.execute(text(f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{state}'; END $$"))
    assert type(caught.value) is error
    database.close()


def test_a_lock_that_postgresql_does_not_get(postgresql: PostgresServer) -> None:
    database = Database(postgresql.new_database())
    with database.writing() as connection:
        connection.execute(text("LOCK TABLE knowledge_bases"))
        with pytest.raises(Busy), database.writing() as second:
            second.execute(text("SET lock_timeout = 50; LOCK TABLE knowledge_bases"))
    database.close()


def test_ids_are_cut_into_parts_that_fit_into_one_statement() -> None:
    parts = list(batched(set(range(1201))))
    assert [len(part) for part in parts] == [500, 500, 201]
    assert {id_ for part in parts for id_ in part} == set(range(1201))
    assert list(batched([])) == []


def _change_and_fail(connection: Connection) -> None:
    connection.exec_driver_sql("DELETE FROM alembic_version")
    connection.execute(insert(temporary_bases).values(base_id="unknown", owner="me", number=1))


def test_changes_are_kept_together_or_not_at_all(url: str) -> None:
    database = Database(url)
    with pytest.raises(StorageError, match="cannot be used"), database.writing() as connection:
        _change_and_fail(connection)
    with database.reading() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM alembic_version").scalar_one() == 1
    database.close()

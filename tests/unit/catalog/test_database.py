"""Transactions of a catalog, and statements of a bounded size."""

import pytest
from sqlalchemy import Connection, insert

from kb_server.catalog.database import Database, batched
from kb_server.catalog.schema import temporary_bases
from kb_server.core.errors import StorageError


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

"""Asking a Milvus collection, a real one of Milvus Lite."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vectorstores.milvus.client import MilvusConnection, MilvusPlace
from vectorstores.milvus.rows import IDS_A_FILTER, all_ids, count, delete, id_filters, parts, upsert

pytest.importorskip("pymilvus", reason="Milvus is an extra")


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Any]:
    place = MilvusPlace(str(tmp_path / "milvus.db"), "", "default", "", timeout=10)
    connection = MilvusConnection(place, lambda made: made.create_collection("c", 2, metric_type="IP"))
    yield connection.call(lambda made: made)
    connection.close()


def test_rows_come_and_go(client: Any) -> None:  # noqa: ANN401 - pymilvus has no types
    upsert("c", [{"id": number, "vector": [1.0, 0.0]} for number in (-5, 1, 2, 2**62)], client)
    upsert("c", [{"id": 1, "vector": [0.0, 1.0]}], client)
    assert all_ids("c", "Strong", client) == {-5, 1, 2, 2**62}
    assert count("c", "", "Strong", client) == 4
    (expression,) = id_filters([1, 2, 77])
    assert count("c", expression, "Strong", client) == 2
    delete("c", [1, 77], client)
    assert all_ids("c", "Strong", client) == {-5, 2, 2**62}


def test_ids_that_do_not_fit_are_not_asked_for() -> None:
    assert list(id_filters([2**63, 3, -(2**63) - 1, 3, 1])) == ["id in [1, 3]"]
    assert list(id_filters([])) == []


def test_many_ids_are_asked_for_in_several_expressions() -> None:
    expressions = list(id_filters(range(2 * IDS_A_FILTER + 1)))
    assert [each.count(",") + 1 for each in expressions] == [IDS_A_FILTER, IDS_A_FILTER, 1]


@given(st.lists(st.integers(), max_size=30), st.integers(1, 7))
def test_parts_make_the_whole(rows: list[int], size: int) -> None:
    found = list(parts(rows, size))
    assert [row for part in found for row in part] == rows
    assert all(1 <= len(part) <= size for part in found)

"""Asking a Milvus collection: what vectors and words have in common."""

from collections.abc import Collection, Iterator
from typing import Any

IDS_A_FILTER = 10_000  # ids in one filter expression
_IDS_A_PAGE = 10_000  # a query returns 16,384 rows at most


def upsert(collection: str, rows: list[Any], client: Any) -> None:  # noqa: ANN401 - pymilvus has no types
    """Insert or replace rows."""
    client.upsert(collection, rows)


def delete(collection: str, ids: list[int], client: Any) -> None:  # noqa: ANN401
    """Remove rows; ids that are not there are ignored."""
    client.delete(collection, ids=ids)


def count(collection: str, expression: str, consistency: str, client: Any) -> int:  # noqa: ANN401
    """Return how many rows an expression lets through; all for an empty one."""
    rows = client.query(collection, filter=expression, output_fields=["count(*)"], consistency_level=consistency)
    return int(rows[0]["count(*)"])


def all_ids(collection: str, consistency: str, client: Any) -> set[int]:  # noqa: ANN401
    """Return the id of every row."""
    pages = client.query_iterator(
        collection, batch_size=_IDS_A_PAGE, output_fields=["id"], consistency_level=consistency
    )
    found: set[int] = set()
    while page := pages.next():
        found.update(int(row["id"]) for row in page)
    pages.close()
    return found


def id_filters(allowed: Collection[int]) -> Iterator[str]:
    """Return expressions that let only these ids through, each short enough for one call."""
    kept = sorted(number for number in set(allowed) if -(2**63) <= number < 2**63)
    return (f"id in {part}" for part in parts(kept, IDS_A_FILTER))


def parts(rows: list[Any], size: int) -> Iterator[list[Any]]:
    """Cut a list into lists of at most `size`."""
    return (rows[start : start + size] for start in range(0, len(rows), size))

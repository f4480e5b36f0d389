"""Rows of questions that a base is evaluated with."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, delete, func, insert, select, update

from kb_server.catalog.database import Database
from kb_server.catalog.schema import evaluation_cases
from kb_server.core.errors import NotFound

Content = Mapping[str, Any]


class EvaluationCases:
    """The cases of one base, each as a line of a case file has it, but for its id: that is the row's."""

    def __init__(self, database: Database, base_id: str) -> None:
        self._database = database
        self._base_id = base_id

    def all(self, limit: int | None = None, offset: int = 0) -> list[tuple[int, Content]]:
        """Return ids and cases, in the order they were added."""
        query = select(evaluation_cases.c.id, evaluation_cases.c.content).where(self._mine())
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(evaluation_cases.c.id).limit(limit).offset(offset))
            return [(row.id, row.content) for row in rows]

    def count(self) -> int:
        """Return how many there are."""
        with self._database.reading() as connection:
            return connection.execute(select(func.count()).where(self._mine())).scalar_one()

    def add(self, contents: Sequence[Content]) -> list[int]:
        """Add cases; returns their ids."""
        rows = [{"base_id": self._base_id, "content": content} for content in contents]
        inserted = insert(evaluation_cases).returning(evaluation_cases.c.id, sort_by_parameter_order=True)
        with self._database.writing() as connection:
            return list(connection.execute(inserted, rows).scalars()) if rows else []

    def replace(self, id_: int, content: Content) -> None:
        """Put another case in the place of one; raises NotFound."""
        changed = update(evaluation_cases).where(self._mine(), evaluation_cases.c.id == id_)
        with self._database.writing() as connection:
            if not connection.execute(changed.values(content=content)).rowcount:
                raise _unknown(id_)

    def delete(self, id_: int) -> None:
        """Remove a case; raises NotFound."""
        with self._database.writing() as connection:
            gone = delete(evaluation_cases).where(self._mine(), evaluation_cases.c.id == id_)
            if not connection.execute(gone).rowcount:
                raise _unknown(id_)

    def clear(self) -> None:
        """Remove all of them."""
        with self._database.writing() as connection:
            connection.execute(delete(evaluation_cases).where(self._mine()))

    def _mine(self) -> ColumnElement[bool]:
        return evaluation_cases.c.base_id == self._base_id


def _unknown(id_: int) -> NotFound:
    return NotFound(f"There is no case {id_} here.", "List them with: GET …/cases")

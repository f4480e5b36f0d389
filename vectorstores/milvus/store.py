"""Milvus: Milvus Lite in the knowledge base's folder, or a server by URI. One collection a knowledge base."""

import re
import shutil
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from kb_server.core.errors import StorageError
from kb_server.core.ports import Vectors
from vectorstores.log.changes import adding, merged
from vectorstores.milvus.client import MilvusConnection, MilvusPlace
from vectorstores.milvus.rows import IDS_A_FILTER, all_ids, count, delete, id_filters, parts, upsert
from vectorstores.ranking import checked_query

LITE_FILE = "milvus.db"
_ROWS_A_CALL = 1_000  # a message to a server may have 64 MB: 16,000 vectors of 1,000 numbers


class MilvusStore:
    """Ids and unit-length vectors in a Milvus collection named after the last two parts of `folder`; a VectorStore.

    Without `uri` Milvus Lite runs inside this process on the files in `folder`, which one process at a time may open:
    another waits `timeout` seconds and then gets Busy. What is added or deleted is sent at once and durable after
    `flush`; a server that does not answer is tried again with growing pauses for `timeout` seconds, and then
    StoreUnavailable is raised: every call may be repeated. Threads may share an object.
    """

    def __init__(
        self,
        folder: Path,
        dimension: int,
        uri: str | None = None,
        token: str | None = None,
        database: str = "default",
        ca: Path | None = None,
        index: str = "AUTO",
        index_params: Mapping[str, Any] | None = None,
        consistency: str = "Strong",
        timeout: float = 10.0,
    ) -> None:
        self._dimension = dimension
        self._lite = uri is None
        place = MilvusPlace(uri or str(folder / LITE_FILE), token or "", database, str(ca) if ca else "", timeout)
        self._folder = folder
        self._collection = collection_name(folder)
        # Lite's vectors are compared one with every other: few enough, and then exact.
        self._index = "FLAT" if self._lite and index == "AUTO" else index
        self._index_params = dict(index_params or {})
        self._consistency = consistency
        self._connection = MilvusConnection(place, self._prepare)
        # Lite replaces a row in two steps, and a search between them would miss it.
        self._turn: AbstractContextManager[Any] = threading.Lock() if self._lite else nullcontext()

    def add(self, ids: Sequence[int], vectors: Vectors) -> None:
        """Insert or replace; vectors are float32 [n, dimension], and of an id given twice the last counts.

        Raises StorageError for NaN or infinity, a wrong dimension, or ids and vectors that do not pair; then nothing
        has changed.
        """
        changes = merged([adding(ids, vectors, self._dimension)], self._dimension)
        rows = [
            {"id": number, "vector": row} for number, row in zip(changes.added.tolist(), changes.vectors, strict=True)
        ]
        for part in parts(rows, _ROWS_A_CALL):
            self._ask(partial(upsert, self._collection, part))

    def delete(self, ids: Collection[int]) -> None:
        """Remove; ids that are not there are ignored."""
        for part in parts(sorted(ids), IDS_A_FILTER):
            self._ask(partial(delete, self._collection, part))

    def search(self, vector: Vectors, k: int, allowed: Collection[int] | None = None) -> list[tuple[int, float]]:
        """Return up to k (id, score), best first and the lower id first among equals; only `allowed` ids if given.

        The filter is pushed down. With an index other than FLAT the result is what Milvus finds, not all there is.
        """
        query = checked_query(vector, self._dimension)
        if k < 1:
            return []
        filters = [""] if allowed is None else list(id_filters(allowed))
        found = [pair for expression in filters for pair in self._found(query, k, expression)]
        return sorted(found, key=lambda pair: (-pair[1], pair[0]))[:k]

    def vectors(self, ids: Sequence[int]) -> Vectors:
        """Return float32 [n, dimension] in the order of `ids`; raises KeyError for an id that is not there."""
        rows: dict[int, Vectors] = {}
        for part in parts(list(ids), _ROWS_A_CALL):
            rows.update(self._ask(partial(_fetch, self._collection, part)))
        return np.array([rows[number] for number in ids], np.float32).reshape(len(ids), self._dimension)

    def ids(self) -> set[int]:
        """Return every id in the store."""
        ids: set[int] = self._ask(partial(all_ids, self._collection, self._consistency))
        return ids

    def __len__(self) -> int:
        """Number of vectors."""
        return int(self._ask(partial(count, self._collection, "", self._consistency)))

    def flush(self) -> None:
        """Wait until everything is durable. A server has logged it already, and limits how often one may flush it."""
        if self._lite:
            self._ask(lambda client: client.flush(self._collection))

    def close(self) -> None:
        """Let go of the connection, and of the folder if it is Milvus Lite's."""
        self._connection.close()

    def destroy(self) -> None:
        """Remove the collection with all in it, and Milvus Lite's folder, and close."""
        self._ask(lambda client: client.drop_collection(self._collection))
        self.close()
        if self._lite:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _found(self, query: Vectors, k: int, expression: str) -> list[tuple[int, float]]:
        result = self._ask(
            lambda client: client.search(
                self._collection,
                data=[query],
                limit=min(k, 16_384),
                filter=expression,
                output_fields=["id"],
                consistency_level=self._consistency,
            )
        )
        return [(int(hit["id"]), float(np.clip((1 + hit["distance"]) / 2, 0, 1))) for hit in result[0]]

    def _ask(self, call: Callable[[Any], Any]) -> Any:  # noqa: ANN401 - pymilvus has no types
        self._make_folder()
        with self._turn:
            return self._connection.call(call)

    def _make_folder(self) -> None:
        if not self._lite:
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(
                f"The folder '{self._folder}' cannot be made: {error.strerror}.", "Check the rights and the disk."
            ) from error

    def _prepare(self, client: Any) -> None:  # noqa: ANN401
        """Make the collection if it is not there, and load it; safe to repeat and to race."""
        if not client.has_collection(self._collection):
            from pymilvus import DataType

            schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
            schema.add_field("id", DataType.INT64, is_primary=True)
            schema.add_field("vector", DataType.FLOAT_VECTOR, dim=self._dimension)
            index = client.prepare_index_params()
            kind = "AUTOINDEX" if self._index == "AUTO" else self._index
            index.add_index(field_name="vector", index_type=kind, metric_type="IP", params=self._index_params)
            client.create_collection(
                self._collection, schema=schema, index_params=index, consistency_level=self._consistency
            )
        client.load_collection(self._collection)


def collection_name(folder: Path) -> str:
    """Return the collection of a folder: letters, digits and underscores, as Milvus wants them."""
    return re.sub(r"\W", "_", f"kb_{folder.parent.name}_{folder.name}", flags=re.ASCII)


def _fetch(collection: str, ids: list[int], client: Any) -> dict[int, Vectors]:  # noqa: ANN401
    rows = client.get(collection, ids=ids, output_fields=["vector"])
    return {int(row["id"]): np.asarray(row["vector"], np.float32) for row in rows}

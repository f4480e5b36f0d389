"""BM25 inside Milvus, for several machines that share no disk."""

import base64
import hashlib
import math
import threading
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

from kb_server.text.question_terms import question_terms
from kb_server.text.terms import BM25_B, BM25_K1, inverse_document_frequency, terms
from vectorstores.milvus.client import MilvusConnection, MilvusPlace
from vectorstores.milvus.rows import IDS_A_FILTER, all_ids, count, delete, id_filters, parts, upsert
from vectorstores.milvus.store import LITE_FILE, collection_name

_ROWS_A_CALL = 1_000
_TERMS_A_TEXT = 6_500  # a VARCHAR has 65,535 bytes at most, a code and its space are 10
_MOST = 16_384  # rows of one search
_COUNTED_SECONDS = 30.0  # how long a term's document count is believed
_COUNTS_KEPT = 10_000


class MilvusWords:
    """A LexicalIndex in a Milvus collection named after the last two parts of `folder`.

    What counts as a term is decided here, as for the index on disk: Milvus gets a code for each term, which its
    plainest analyzer leaves as it is. Its BM25 score is divided by the most that any text could reach for the
    question, from document counts that Milvus is asked for and that may be half a minute old. Beyond the first 6,500
    terms a chunk is not indexed. Without `uri` Milvus Lite runs in this process on files in `folder`, slowly: for
    trying out. Errors are those of the Milvus vector store. Threads may share an object.
    """

    def __init__(
        self,
        folder: Path,
        uri: str | None = None,
        token: str | None = None,
        database: str = "default",
        ca: Path | None = None,
        consistency: str = "Strong",
        timeout: float = 10.0,
    ) -> None:
        self._lite = uri is None
        self._folder = folder
        self._collection = f"{collection_name(folder)}_words"
        self._consistency = consistency
        place = MilvusPlace(uri or str(folder / LITE_FILE), token or "", database, str(ca) if ca else "", timeout)
        self._connection = MilvusConnection(place, self._prepare)
        self._turn: AbstractContextManager[Any] = threading.Lock() if self._lite else nullcontext()
        self._counts: dict[str, tuple[float, int]] = {}  # when asked, documents with the code

    def add(self, ids: Sequence[int], texts: Sequence[str]) -> None:
        """Insert or replace chunks."""
        rows = [{"id": id_, "terms": _coded(text)} for id_, text in zip(ids, texts, strict=True)]
        for part in parts(list({row["id"]: row for row in rows}.values()), _ROWS_A_CALL):
            self._ask(partial(upsert, self._collection, part))

    def delete(self, ids: Collection[int]) -> None:
        """Remove chunks; ids that are not there are ignored."""
        for part in parts(sorted(ids), IDS_A_FILTER):
            self._ask(partial(delete, self._collection, part))

    def search(self, question: str, k: int, allowed: Collection[int] | None = None) -> list[tuple[int, float]]:
        """Return up to k (id, score), best first, ties by id; a chunk without any of the question's terms is no hit."""
        weights = self.weights(question)
        if not weights or k < 1:
            return []
        codes = " ".join(map(_code, weights))
        filters = [""] if allowed is None else id_filters(allowed)
        most = (BM25_K1 + 1) * sum(weights.values())
        found = {
            id_: min(score / most, 1.0)
            for expression in filters
            for id_, score in self._ask(partial(self._found, codes, k, expression))
        }
        return sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))[:k]

    def weights(self, question: str) -> dict[str, float]:
        """Return the inverse document frequency of each different term of a question (BM25's, as Lucene has it)."""
        wanted = dict.fromkeys(question_terms(question))
        total = self._count("") if wanted else 0
        return {term: inverse_document_frequency(total, min(self._count(_code(term)), total)) for term in wanted}

    def holding(self, term: str) -> set[int]:
        """Return the ids of the chunks that hold a term, 16,384 at most."""
        return {id_ for id_, _ in self._ask(partial(self._found, _code(term), _MOST, ""))}

    def ids(self) -> set[int]:
        """Return every chunk id in the index."""
        ids: set[int] = self._ask(partial(all_ids, self._collection, self._consistency))
        return ids

    def __len__(self) -> int:
        return self._counted("")

    def flush(self) -> None:
        """Make everything durable and the counts new. A server has logged it already, and limits explicit flushes."""
        if self._lite:
            self._ask(lambda client: client.flush(self._collection))
        self._counts = {}

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()

    def destroy(self) -> None:
        """Remove the collection."""
        self._ask(lambda client: client.drop_collection(self._collection))
        self.close()

    def _count(self, code: str) -> int:
        """Return how many chunks have a term's code, or how many there are."""
        asked, known = self._counts.get(code, (-math.inf, 0))
        if time.monotonic() - asked > _COUNTED_SECONDS:
            known = self._counted(f"TEXT_MATCH(terms, '{code}')" if code else "")
            if len(self._counts) >= _COUNTS_KEPT:
                self._counts = {}
            self._counts[code] = (time.monotonic(), known)
        return known

    def _counted(self, expression: str) -> int:
        return int(self._ask(partial(count, self._collection, expression, self._consistency)))

    def _found(self, codes: str, k: int, expression: str, client: Any) -> list[tuple[int, float]]:  # noqa: ANN401 - pymilvus has no types
        result = client.search(
            self._collection,
            data=[codes],
            anns_field="sparse",
            limit=min(k, _MOST),
            filter=expression,
            output_fields=["id"],
            consistency_level=self._consistency,
        )
        # Milvus Lite returns BM25 below zero, as a distance; a server returns it as it is.
        return [(int(hit["id"]), abs(float(hit["distance"]))) for hit in result[0]]

    def _ask(self, call: Callable[[Any], Any]) -> Any:  # noqa: ANN401
        if self._lite:
            self._folder.mkdir(parents=True, exist_ok=True)
        with self._turn:
            return self._connection.call(call)

    def _prepare(self, client: Any) -> None:  # noqa: ANN401
        """Make the collection if it is not there, and load it; safe to repeat and to race."""
        if not client.has_collection(self._collection):
            from pymilvus import DataType, Function, FunctionType

            schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
            schema.add_field("id", DataType.INT64, is_primary=True)
            text = {"enable_analyzer": True, "enable_match": True, "analyzer_params": {"tokenizer": "standard"}}
            schema.add_field("terms", DataType.VARCHAR, max_length=65_535, **text)
            schema.add_field("sparse", DataType.SPARSE_FLOAT_VECTOR)
            schema.add_function(
                Function("bm25", FunctionType.BM25, input_field_names=["terms"], output_field_names=["sparse"])
            )
            index = client.prepare_index_params()
            constants = {"bm25_k1": BM25_K1, "bm25_b": BM25_B}
            index.add_index("sparse", index_type="SPARSE_INVERTED_INDEX", metric_type="BM25", params=constants)
            client.create_collection(
                self._collection, schema=schema, index_params=index, consistency_level=self._consistency
            )
        client.load_collection(self._collection)


def _coded(text: str) -> str:
    return " ".join(map(_code, terms(text)[:_TERMS_A_TEXT]))


def _code(term: str) -> str:
    """Return `t` and eight letters and digits for a term: 40 bits of a hash, which no analyzer cuts or changes."""
    return "t" + base64.b32encode(hashlib.blake2b(term.encode(), digest_size=5).digest()).decode().lower()

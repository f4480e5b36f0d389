"""BM25 over chunks, on disk and incremental, by tantivy."""

from __future__ import annotations

import errno
import os
import re
import shutil
import threading
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import cast

import tantivy

from kb_server.core.errors import StorageError, StorageFull
from kb_server.text.question_terms import question_terms
from kb_server.text.terms import BM25_K1, inverse_document_frequency, terms

_HEAP_BYTES = 50_000_000
# Tantivy gives only texts; the system's number is in them, in one of these forms.
_NUMBER = re.compile(r"os error (\d+)|\bcode: (\d+)")
_WRITER_DIED = "An index writer was killed"  # and why it did, its commit says


class TantivyIndex:
    """A LexicalIndex in a folder, or in memory if `folder` is None.

    A score is BM25 divided by the most that any text could reach for the question, so it reads as the share of the
    question's weight that a chunk holds, and means the same for every question and base. One process writes at a time;
    others see what is flushed at their next search. Threads may share an object.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._writing = threading.Lock()  # of the writer; a commit waits for the disk, and searches not for it
        self._looking = threading.Lock()  # at the newest commit
        self._index = self._open()
        self._writer: tantivy.IndexWriter | None = None
        self._seen = self._stamp()

    def add(self, ids: Sequence[int], texts: Sequence[str]) -> None:
        """Insert or replace chunks."""
        try:
            with self._writing:
                writer = self._open_writer()
                for id_, text in zip(ids, texts, strict=True):
                    writer.delete_documents_by_term("id", id_)
                    writer.add_document(tantivy.Document(id=id_, terms=" ".join(terms(text))))
        except (ValueError, OSError) as error:
            raise self._failed(self._why_it_died() if _WRITER_DIED in str(error) else error) from error

    def delete(self, ids: Collection[int]) -> None:
        """Remove chunks; ids that are not there are ignored."""
        if not ids:
            return
        try:
            with self._writing:
                for id_ in ids:
                    self._open_writer().delete_documents_by_term("id", id_)
        except (ValueError, OSError) as error:
            raise self._failed(error) from error

    def search(self, question: str, k: int, allowed: Collection[int] | None = None) -> list[tuple[int, float]]:
        """Return up to k (id, score), best first, ties by id; a chunk without any of the question's terms is no hit."""
        weights = self.weights(question)
        if not weights or k < 1 or (allowed is not None and not allowed):
            return []
        most = (BM25_K1 + 1) * sum(weights.values())
        pairs = [(id_, min(score / most, 1.0)) for id_, score in self._found(self._query(weights, allowed), k)]
        return sorted(pairs, key=lambda pair: (-pair[1], pair[0]))

    def weights(self, question: str) -> dict[str, float]:
        """Return the inverse document frequency of each different term of a question (BM25's, as Lucene has it)."""
        searcher = self._searcher()
        total = searcher.num_docs
        counts = {term: min(searcher.doc_freq("terms", term), total) for term in question_terms(question)}
        return {term: inverse_document_frequency(total, count) for term, count in counts.items()}

    def holding(self, term: str) -> set[int]:
        """Return the ids of the chunks that hold a term."""
        searcher = self._searcher()
        query = tantivy.Query.term_query(self._index.schema, "terms", term, "freq")
        return {id_ for id_, _ in self._found(query, max(searcher.doc_freq("terms", term), 1))}

    def ids(self) -> set[int]:
        """Return every chunk id in the index."""
        return {id_ for id_, _ in self._found(tantivy.Query.all_query(), max(len(self), 1))}

    def __len__(self) -> int:
        return self._searcher().num_docs

    def flush(self) -> None:
        """Commit what was added and deleted since; other processes see it from now on."""
        try:
            with self._writing:
                if self._writer is None:
                    return
                self._writer.commit()
            with self._looking:
                self._index.reload()
        except (ValueError, OSError) as error:
            self._writer = None  # a writer whose commit failed is dead; the next add opens another
            raise self._failed(error) from error

    def close(self) -> None:
        """Let go of the writer; what was not flushed is dropped."""
        with self._writing:
            if self._writer is not None:
                with suppress(ValueError):  # it died on a full disk, which the flush has told
                    self._writer.wait_merging_threads()
                self._writer = None

    def destroy(self) -> None:
        """Close, and remove the files."""
        self.close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _query(self, words: Collection[str], allowed: Collection[int] | None) -> tantivy.Query:
        """Return what finds chunks with any of the terms, among those allowed, which adds nothing to their scores."""
        schema = self._index.schema
        either = [(tantivy.Occur.Should, tantivy.Query.term_query(schema, "terms", term, "freq")) for term in words]
        query = tantivy.Query.boolean_query(either)
        if allowed is None:
            return query
        among = tantivy.Query.const_score_query(tantivy.Query.term_set_query(schema, "id", list(allowed)), 0.0)
        return tantivy.Query.boolean_query([(tantivy.Occur.Must, query), (tantivy.Occur.Must, among)])

    def _open(self) -> tantivy.Index:
        builder = tantivy.SchemaBuilder()
        builder.add_integer_field("id", indexed=True, fast=True)
        builder.add_text_field("terms", tokenizer_name="whitespace", index_option="freq")
        try:
            if self._folder is None:
                return tantivy.Index(builder.build())
            self._folder.mkdir(parents=True, exist_ok=True)
            return tantivy.Index(builder.build(), path=str(self._folder))
        except (ValueError, OSError) as error:
            raise self._failed(error) from error

    def _open_writer(self) -> tantivy.IndexWriter:
        if self._writer is None:
            self._writer = self._index.writer(_HEAP_BYTES, num_threads=1)
        return self._writer

    def _searcher(self) -> tantivy.Searcher:
        """Look at the newest commit, also when another process made it."""
        with self._looking:
            stamp = self._stamp()
            if stamp != self._seen:
                self._index.reload()
                self._seen = stamp
            return self._index.searcher()

    def _found(self, query: tantivy.Query, k: int) -> list[tuple[int, float]]:
        searcher = self._searcher()
        found = searcher.search(query, k, count=False).hits
        ids = cast("list[int]", searcher.fast_field_values("id", [address for _, address in found]))
        scores = cast("list[float]", [score for score, _ in found])
        return list(zip(ids, scores, strict=True))

    def _stamp(self) -> tuple[int, int] | None:
        if self._folder is None:
            return None
        status = os.stat(self._folder / "meta.json")  # noqa: PTH116 - a third of Path.stat's time, on every search
        return status.st_ino, status.st_mtime_ns

    def _why_it_died(self) -> Exception:
        """Return what ended the writer, and let go of it: the next add opens another."""
        with self._writing:
            writer, self._writer = self._writer, None
        try:
            if writer is not None:
                writer.commit()
        except (ValueError, OSError) as error:
            return error
        return ValueError(_WRITER_DIED)

    def _failed(self, error: Exception) -> StorageError:
        if _system_error(error) in (errno.ENOSPC, errno.EDQUOT):
            return StorageFull(
                f"No space is left for the word index {self._folder}.",
                "Free some space and run the same command again.",
            )
        return StorageError(
            f"The word index {self._folder} cannot be used: {error}.",
            "Delete that folder and ingest again: the index is rebuilt from the catalog, no document is lost.",
        )


def _system_error(error: Exception) -> int | None:
    found = _NUMBER.search(str(error))
    return int(found[1] or found[2]) if found else getattr(error, "errno", None)

"""Making a knowledge base from an exported file; nothing is embedded."""

import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO

import numpy as np

from kb_server.bases.export.archive import DOCUMENTS, ORIGINALS, VECTORS, Archive, DocumentEntry, broken, opened_archive
from kb_server.bases.names import check_name, checked_description
from kb_server.bases.open_base import OpenBase
from kb_server.bases.pool import BasePool
from kb_server.catalog.bases import Bases
from kb_server.catalog.pending import Arrival
from kb_server.catalog.tags import Tags
from kb_server.core.domain import Document, Fusion, KnowledgeBase, Slice
from kb_server.core.errors import AlreadyExists
from kb_server.core.ports import Vectors

_CHUNKS_AT_ONCE = 2_000


class Importer:
    """Imports knowledge bases."""

    def __init__(self, bases: Bases, pool: BasePool) -> None:
        self._bases = bases
        self._pool = pool

    def run(self, path: Path, name: str | None = None, store: str | None = None) -> KnowledgeBase:
        """Check an archive, load it into a new base, and only then give the base its name.

        `name` and `store` replace those of the archive. Raises StorageError for an archive that is not intact,
        InvalidName, or AlreadyExists; then no base was made. A process that is killed, or a disk so full that
        nothing can be removed, leaves one with "(importing …)" in its name, which `kb delete` removes.
        """
        with opened_archive(path) as archive:
            entry = archive.manifest.knowledge_base
            name = name or entry.name
            check_name(name)
            if name in (base.name for base in self._bases.all()):
                raise AlreadyExists(f"A knowledge base named '{name}' exists already.", "Give another with --name.")
            unfinished = f"{name} (importing {secrets.token_hex(4)})"
            base = self._bases.create(
                unfinished,
                store or entry.store,
                entry.embedder,
                entry.fingerprint,
                entry.dimension,
                description=checked_description(entry.description),
            )
            fusion = Fusion(entry.fusion, entry.fusion_chunks) if entry.fusion else None
            done = replace(base, name=name, fusion=fusion)
            finished = False
            try:
                _load(self._pool.open(base), self._pool.tags(base), archive, path)
                self._bases.switch(done)
                finished = True
            finally:
                if not finished:
                    self._remove(base)
        return done

    def _remove(self, base: KnowledgeBase) -> None:
        opened = self._pool.open(base)
        opened.destroy()
        self._pool.drop(base.id)
        opened.files.delete()  # before the rows: on a full disk they need what this frees
        self._bases.delete(base.id)


def _load(opened: OpenBase, tags: Tags, archive: Archive, path: Path) -> None:
    ids: list[int] = []
    with opened.writing(), archive.open(VECTORS) as vectors:
        for batch in _batches(archive.documents()):
            arrivals = [_arrival(opened, archive, entry, path) for entry in batch]
            pending, _ = opened.documents.begin_all(arrivals)
            for item, entry in zip(pending, batch, strict=True):
                rows = _rows(vectors, len(entry.chunks), opened.base.dimension, path)
                opened.take_in(item, rows[list(item.indices)])
            ids += [item.document_id for item in pending]
            for entry in batch:
                tags.change([entry.name], entry.tags)
        if len(ids) != archive.manifest.documents or vectors.read(1):
            raise broken(path, f"{DOCUMENTS} does not have what the manifest says")
        opened.publish(ids)


def _batches(documents: Iterator[DocumentEntry]) -> Iterator[list[DocumentEntry]]:
    batch: list[DocumentEntry] = []
    for entry in documents:
        batch.append(entry)
        if sum(len(item.chunks) for item in batch) >= _CHUNKS_AT_ONCE:
            yield batch
            batch = []
    yield batch


def _arrival(opened: OpenBase, archive: Archive, entry: DocumentEntry, path: Path) -> Arrival:
    original = ORIGINALS + entry.file
    if original not in archive.manifest.entries:
        raise broken(path, f"'{entry.name}' names a file that is not there")
    with archive.open(original) as reader:
        kept = opened.files.keep_stream(reader)
    if kept.sha256 != entry.sha256:
        raise broken(path, f"the file of '{entry.name}' is another")
    slices = [
        Slice(start=start, end=end, page=page, heading_path=tuple(headings))
        for start, end, page, headings in entry.chunks
    ]
    document = Document(name=entry.name, text=entry.text, blocks=(), pages=entry.pages)
    return Arrival(
        sha256=entry.sha256,
        file=kept.name,
        size=kept.size,
        document=document,
        slices=slices,
        reworded=entry.edited,
    )


def _rows(reader: IO[bytes], count: int, dimension: int, path: Path) -> Vectors:
    data = reader.read(4 * count * dimension)
    if len(data) != 4 * count * dimension:
        raise broken(path, f"{VECTORS} ends too early")
    return np.frombuffer(data, "<f4").astype(np.float32).reshape(count, dimension)

"""Writing a knowledge base into one portable file."""

import errno
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from kb_server.bases.export.archive import (
    DOCUMENTS,
    MANIFEST,
    ORIGINALS,
    VECTORS,
    VERSION,
    ArchiveManifest,
    BaseEntry,
    DocumentEntry,
    FileEntry,
)
from kb_server.bases.open_base import OpenBase
from kb_server.bases.pool import BasePool
from kb_server.catalog.bases import Bases
from kb_server.core.domain import Chunk, DocumentState, StoredDocument
from kb_server.core.errors import StorageError, StorageFull

_VECTORS_AT_ONCE = 1_000
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Exported:
    """What an archive holds, and its size."""

    documents: int
    chunks: int
    bytes: int


class Exporter:
    """Exports knowledge bases."""

    def __init__(self, bases: Bases, pool: BasePool) -> None:
        self._bases = bases
        self._pool = pool

    def run(self, name: str, target: Path) -> Exported:
        """Write all indexed documents with text, chunks, vectors and originals; the file appears when it is whole.

        Searches go on meanwhile, and who wants to write waits. Raises StorageError, StorageFull or Busy.
        """
        opened = self._pool.open(self._bases.find(name))
        unfinished = target.with_name(f".{target.name}.unfinished")
        with opened.writing(), _explained(target):
            try:
                manifest = _write(opened, self._pool.tags(opened.base).all(), unfinished)
                unfinished.replace(target)
            finally:
                unfinished.unlink(missing_ok=True)
        return Exported(manifest.documents, manifest.chunks, target.stat().st_size)


def _write(opened: OpenBase, tags: Mapping[str, Sequence[str]], path: Path) -> ArchiveManifest:
    documents = [document for document in opened.documents.all() if document.state is DocumentState.INDEXED]
    chunk_ids: list[int] = []
    with ZipFile(path, "w", ZIP_DEFLATED) as file:
        entries = {
            DOCUMENTS: _add(file, DOCUMENTS, _lines(opened, documents, tags, chunk_ids)),
            VECTORS: _add(file, VECTORS, _rows(opened, chunk_ids), ZIP_STORED),
        }
        for document in documents:
            name = ORIGINALS + document.file
            entries[name] = _add(file, name, _blocks(opened.files.original(document.file)))
        manifest = ArchiveManifest(
            format="kb-export",
            version=VERSION,
            knowledge_base=_base_entry(opened),
            documents=len(documents),
            chunks=len(chunk_ids),
            entries=entries,
        )
        file.writestr(MANIFEST, manifest.model_dump_json(indent=1))
    return manifest


def _base_entry(opened: OpenBase) -> BaseEntry:
    base, fusion = opened.base, opened.base.fusion
    return BaseEntry(
        name=base.name,
        store=base.store,
        embedder=base.embedder,
        fingerprint=base.fingerprint,
        dimension=base.dimension,
        fusion=dict(fusion.weights) if fusion else None,
        fusion_chunks=fusion.chunks if fusion else 0,
        description=base.description,
    )


def _add(file: ZipFile, name: str, blocks: Iterable[bytes], method: int = ZIP_DEFLATED) -> FileEntry:
    digest, size = sha256(), 0
    info = ZipInfo(name)
    info.compress_type = method
    with file.open(info, "w", force_zip64=True) as writer:
        for block in blocks:
            writer.write(block)
            digest.update(block)
            size += len(block)
    return FileEntry(bytes=size, sha256=digest.hexdigest())


def _lines(
    opened: OpenBase, documents: Iterable[StoredDocument], tags: Mapping[str, Sequence[str]], chunk_ids: list[int]
) -> Iterator[bytes]:
    """Yield a line for each document, and note the ids of its chunks in order."""
    for document in documents:
        disabled = opened.chunks.disabled(document.id)  # these have no vector, so they stay behind
        chunks = [chunk for chunk in opened.chunks.of_document(document.id) if chunk.id not in disabled]
        chunk_ids += [chunk.id for chunk in chunks]
        entry = DocumentEntry(
            name=document.name,
            sha256=document.sha256,
            file=document.file,
            pages=document.pages,
            text=opened.documents.text(document.name),
            chunks=[_cut(chunk) for chunk in chunks],
            tags=list(tags.get(document.name, ())),
            edited={place: chunk.text for place, chunk in enumerate(chunks) if chunk.edited},
        )
        yield json.dumps(entry.model_dump(exclude_defaults=True), ensure_ascii=False).encode() + b"\n"


def _cut(chunk: Chunk) -> tuple[int, int, int | None, list[str]]:
    return chunk.start, chunk.end, chunk.page, list(chunk.heading_path)


def _rows(opened: OpenBase, chunk_ids: list[int]) -> Iterator[bytes]:
    """Yield a vector for each chunk; those with the same words have the same."""
    vector_ids = opened.chunks.vector_ids_of(chunk_ids)
    stored = [vector_ids[id_] for id_ in chunk_ids]
    if missing := set(stored) - opened.store.ids():
        raise StorageError(
            f"{len(missing)} chunks of '{opened.base.name}' have no vector yet.",
            f"Let it catch up first: kb ingest {opened.base.name} with any file.",
        )
    for start in range(0, len(stored), _VECTORS_AT_ONCE):
        yield opened.store.vectors(stored[start : start + _VECTORS_AT_ONCE]).astype("<f4").tobytes()


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as reader:
        while block := reader.read(_BLOCK):
            yield block


@contextmanager
def _explained(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull(f"No space is left for '{target}'.", "Free some space, or export elsewhere.") from error
        raise StorageError(f"'{target}' cannot be written: {error}.", "Check the folder and its rights.") from error

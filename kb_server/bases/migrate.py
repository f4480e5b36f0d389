"""Moving a knowledge base to another store or another embedder, while the old index answers."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace

from kb_server.bases.open_base import OpenBase
from kb_server.bases.pool import BasePool
from kb_server.catalog.bases import Bases
from kb_server.core.domain import KnowledgeBase
from kb_server.core.errors import StorageError, UsageError
from kb_server.core.ports import Embedder, VectorStore
from kb_server.search.fusion_fit import FusionFitter

OnMoved = Callable[[int, int], None]  # vectors done, of how many

_COPIED_AT_ONCE = 1_000
_EMBEDDED_AT_ONCE = 64
_FLUSHED_AT_ONCE = 2_048  # what a killed run need not embed again


class Migrator:
    """Makes a base's next vectors beside the ones that answer, then switches in one step of the catalog.

    Stopped at any point, the base is as it was; the same call goes on from there.
    """

    def __init__(self, bases: Bases, pool: BasePool) -> None:
        self._bases = bases
        self._pool = pool

    def migrate(self, name: str, store: str, on_moved: OnMoved = lambda *_: None) -> KnowledgeBase:
        """Copy the vectors into another store; nothing is embedded. Raises UsageError if they are there already."""
        base = self._bases.find(name)
        if base.store == store:
            raise UsageError(f"The vectors of '{name}' are in {store} already.", "Name another store.")
        return self._move(replace(base, store=store), lambda opened, target: _copy(opened, target, on_moved))

    def reindex(self, name: str, model: str, embedder: Embedder, on_moved: OnMoved = lambda *_: None) -> KnowledgeBase:
        """Embed every chunk with another model; the old one answers meanwhile."""
        base = self._bases.find(name)
        if base.fingerprint == embedder.fingerprint:
            raise UsageError(f"The knowledge base '{name}' is embedded by this version of '{model}' already.", "")
        changed = replace(
            base,
            embedder=model,
            fingerprint=embedder.fingerprint,
            dimension=embedder.dimension,
            fusion=None,
            calibration=None,
        )
        return self._move(changed, lambda opened, target: _embed(opened, target, embedder, on_moved), embedder)

    def _move(
        self, base: KnowledgeBase, fill: Callable[[OpenBase, VectorStore], None], embedder: Embedder | None = None
    ) -> KnowledgeBase:
        opened = self._pool.open(self._bases.find(base.name))
        base = replace(base, vectors=_generation(base))
        with opened.writing():
            target = self._pool.store(base)
            try:
                fill(opened, target)
                if embedder and len(target):
                    fusion = FusionFitter(embedder, target, opened.lexical, opened.chunks).fit()
                    base = replace(base, fusion=fusion)
            finally:
                target.close()
            self._bases.switch(base)
            opened.store.destroy()
        self._pool.drop(base.id)
        return base


def _generation(base: KnowledgeBase) -> str:
    """Return a folder name that a repeated call finds again."""
    made_by = f"{base.store}\n{base.fingerprint}".encode()
    return f"vectors-{hashlib.sha256(made_by).hexdigest()[:16]}"


def _copy(opened: OpenBase, target: VectorStore, on_moved: OnMoved) -> None:
    ids = sorted(opened.store.ids())
    for done, part in _parts(ids, _COPIED_AT_ONCE):
        target.add(part, opened.store.vectors(part))
        on_moved(done, len(ids))
    target.delete(target.ids().difference(ids))
    target.flush()
    if len(target) != len(ids):
        raise StorageError(
            f"{len(target)} of {len(ids)} vectors arrived; the knowledge base stays where it was.",
            "Run the same command again.",
        )


def _embed(opened: OpenBase, target: VectorStore, embedder: Embedder, on_moved: OnMoved) -> None:
    ids = opened.chunks.vector_ids()
    target.delete(target.ids().difference(ids))
    todo = sorted(set(ids) - target.ids())
    for done, part in _parts(todo, _EMBEDDED_AT_ONCE):
        chunks = opened.chunks.by_vector(part)
        target.add(part, embedder.embed_passages([chunks[id_].searchable for id_ in part]))
        if done % _FLUSHED_AT_ONCE == 0:
            target.flush()
        on_moved(done, len(todo))
    target.flush()


def _parts(ids: list[int], size: int) -> Iterator[tuple[int, list[int]]]:
    """Yield (how many are done with this part, the part)."""
    for start in range(0, len(ids), size):
        part = ids[start : start + size]
        yield start + len(part), part

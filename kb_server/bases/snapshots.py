"""Going back: naming what a knowledge base holds, comparing, and restoring it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from kb_server.bases.names import check_name
from kb_server.bases.pool import BasePool
from kb_server.catalog.bases import Bases
from kb_server.core.domain import KnowledgeBase, Snapshot
from kb_server.core.ports import Embedder


@dataclass(frozen=True, slots=True)
class SnapshotDiff:
    """Names of documents that only the later state has, that only the earlier has, and that are in both but changed."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did, and the snapshot that undoes it."""

    difference: SnapshotDiff
    undo: str


class SnapshotService:
    """The snapshots of the knowledge bases of one home; `embedder` opens the model of a base."""

    def __init__(self, bases: Bases, pool: BasePool, embedder: Callable[[KnowledgeBase], Embedder]) -> None:
        self._bases = bases
        self._pool = pool
        self._embedder = embedder

    def create(self, base: str, name: str) -> Snapshot:
        """Name what is indexed now; nothing is copied. Raises InvalidName, AlreadyExists, or Busy."""
        check_name(name)
        opened = self._pool.open(self._bases.find(base))
        with opened.writing():
            return self._pool.snapshots(opened.base).create(name)

    def all(self, base: str) -> list[Snapshot]:
        """Return the snapshots of a base, the oldest first."""
        return self._pool.snapshots(self._bases.find(base)).all()

    def diff(self, base: str, earlier: str, later: str | None = None) -> SnapshotDiff:
        """Compare two snapshots by the documents' bytes; without `later`, one with what is indexed now."""
        snapshots = self._pool.snapshots(self._bases.find(base))
        after = snapshots.find(later) if later else None
        return _difference(snapshots.digests(snapshots.find(earlier)), snapshots.digests(after))

    def restore(self, base: str, name: str) -> Restored:
        """Bring a snapshot back in one step, after making one of what is there now.

        The old state answers until everything that comes back is in the indexes. Stopped at any point, the base is
        wholly the old or wholly the new state.
        """
        opened = self._pool.open(self._bases.find(base))
        snapshots = self._pool.snapshots(opened.base)
        wanted = snapshots.find(name)
        with opened.writing():
            difference = _difference(snapshots.digests(None), snapshots.digests(wanted))
            undo = snapshots.create(f"before {name[:60]} {datetime.now(UTC):%Y-%m-%d %H.%M.%S.%f}")
            opened.bring_back(snapshots.returning(wanted), lambda: self._embedder(opened.base))
            opened.purge(snapshots.restore(wanted))
        return Restored(difference, undo.name)

    def delete(self, base: str, name: str) -> None:
        """Forget a snapshot, and what only it kept."""
        opened = self._pool.open(self._bases.find(base))
        snapshots = self._pool.snapshots(opened.base)
        wanted = snapshots.find(name)
        with opened.writing():
            opened.discard(snapshots.delete(wanted))


def _difference(earlier: dict[str, str], later: dict[str, str]) -> SnapshotDiff:
    both = earlier.keys() & later.keys()
    return SnapshotDiff(
        tuple(sorted(later.keys() - earlier.keys())),
        tuple(sorted(earlier.keys() - later.keys())),
        tuple(sorted(name for name in both if earlier[name] != later[name])),
    )

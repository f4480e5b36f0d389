"""Knowledge bases that are open, so that a process opens each one's files once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from kb_server.bases.files import BaseFiles
from kb_server.catalog.bases import Bases
from kb_server.catalog.database import Database
from kb_server.catalog.tags import Tags
from kb_server.core.domain import KnowledgeBase
from kb_server.core.ports import LexicalIndex, VectorStore

if TYPE_CHECKING:
    from kb_server.bases.open_base import OpenBase
    from kb_server.catalog.snapshots import Snapshots

OpenStore = Callable[[str, Path, int], VectorStore]
OpenWords = Callable[[Path], LexicalIndex]


class _Slot:
    """A base's own lock, and its parts while open; it stays when the base is closed, since threads may wait for it."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.opened: OpenBase | None = None

    def close(self) -> None:
        """Close what is open; the caller holds the lock."""
        opened, self.opened = self.opened, None
        if opened:
            opened.close()


class BasePool:
    """Opens bases and keeps them open; threads may share it. Opening one never waits for another.

    `open_store` takes a backend, a folder and a dimension, `open_words` a folder; `once` is whether chunks of the same
    words are indexed once.
    """

    def __init__(
        self, database: Database, home: Path, open_store: OpenStore, open_words: OpenWords, *, once: bool = True
    ) -> None:
        self._database = database
        self._home = home
        self._open_store = open_store
        self._open_words = open_words
        self._once = once
        self._slots: dict[str, _Slot] = {}
        self._lock = Lock()  # of the dictionary only

    def open(self, base: KnowledgeBase) -> OpenBase:
        """Return the base's open parts under the row just read: its fusion may be a newer one.

        Threads that ask for the same base open it once. Where the row names other vectors than those that are open,
        the catalog says which of the two is old; a base that was moved is opened again. Raises NotFound for one that
        was deleted meanwhile.
        """
        slot = self._slot(base.id)
        with slot.lock:
            if slot.opened is None or _vectors(slot.opened.base) != _vectors(base):
                base = Bases(self._database).current(base)
                if slot.opened and _vectors(slot.opened.base) != _vectors(base):
                    slot.close()
            slot.opened = slot.opened or self._opened(base)
            return replace(slot.opened, base=base)

    def store(self, base: KnowledgeBase) -> VectorStore:
        """Open the store that a row names, apart from what is kept open: a base's next one, while the old answers."""
        return self._open_store(base.store, self.folder(base), base.dimension)

    def folder(self, base: KnowledgeBase) -> Path:
        """Return where the store of a base keeps its files."""
        return BaseFiles(self._home, base.id).vectors(base.vectors)

    def snapshots(self, base: KnowledgeBase) -> Snapshots:
        """Return the snapshots of a base."""
        from kb_server.catalog.snapshots import Snapshots

        return Snapshots(self._database, base.id)

    def tags(self, base: KnowledgeBase) -> Tags:
        """Return the tags of a base's documents."""
        return Tags(self._database, base.id)

    def drop(self, base_id: str) -> None:
        """Close a base and forget it."""
        slot = self._slot(base_id)
        with slot.lock:
            slot.close()

    def close(self) -> None:
        """Close every base."""
        for base_id in list(self._slots):
            self.drop(base_id)

    def _slot(self, base_id: str) -> _Slot:
        with self._lock:
            return self._slots.setdefault(base_id, _Slot())

    def _opened(self, base: KnowledgeBase) -> OpenBase:
        # Imported here: who only lists bases waits for neither numpy nor the word index.
        from kb_server.bases.open_base import OpenBase
        from kb_server.catalog.documents import Documents
        from vectorstores.log.kept import KeptVectors

        files = BaseFiles(self._home, base.id)
        files.make()
        store = self.store(base)
        kept = KeptVectors(files.kept(base.fingerprint), base.dimension)
        documents = Documents(self._database, base.id, once=self._once)
        opened = OpenBase(base, documents, store, self._open_words(files.lexical), kept, files)
        opened.fill_words()
        return opened


def _vectors(base: KnowledgeBase) -> tuple[str, str]:
    """Return which vectors a row names."""
    return base.store, base.vectors

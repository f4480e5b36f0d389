"""Wiring of what needs neither documents nor models: the catalog, and the knowledge bases on the disk.

`kb list` and the like take no more than this, and start in half the time for it.
"""

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

from kb_server.bases.knowledge_bases import KnowledgeBases
from kb_server.bases.pool import BasePool
from kb_server.catalog.bases import Bases
from kb_server.catalog.database import Database
from kb_server.config.registry import find_backend
from kb_server.config.settings import Settings
from kb_server.core.domain import KnowledgeBase
from kb_server.core.ports import LexicalIndex, VectorStore


class Foundation:
    """The knowledge bases of one home."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @cached_property
    def bases(self) -> Bases:
        """The catalog's knowledge bases."""
        return Bases(self._database)

    @cached_property
    def knowledge_bases(self) -> KnowledgeBases:
        """Creating, listing and deleting bases."""
        return KnowledgeBases(self.bases, self._shelf)

    def index(self, base: KnowledgeBase) -> dict[str, Any]:
        """Say which index a base has, its parameters and its measured recall, without opening it."""
        describe: Callable[..., dict[str, Any]] = find_backend("description", base.store)
        described = describe(self._shelf.folder(base), **self.settings.store.options(base.store))
        return {"dimension": base.dimension, **described}

    def close(self) -> None:
        """Close bases and the catalog."""
        if "_shelf" in self.__dict__:
            self._shelf.close()
        if "_database" in self.__dict__:
            self._database.close()

    @cached_property
    def _database(self) -> Database:
        return Database(self.settings.catalog_url)

    @cached_property
    def _shelf(self) -> BasePool:
        once = self.settings.cleaning.near_duplicates
        return BasePool(self._database, self.settings.home, self._open_store, self._open_words, once=once)

    def _open_store(self, backend: str, folder: Path, dimension: int) -> VectorStore:
        options = self.settings.store.options(backend)
        made: VectorStore = find_backend("store", backend)(folder=folder, dimension=dimension, **options)
        return made

    def _open_words(self, folder: Path) -> LexicalIndex:
        words = self.settings.store.words
        made: LexicalIndex = find_backend("words", words)(folder=folder, **self.settings.store.word_options())
        return made

"""Making, listing and deleting knowledge bases, and looking after their documents."""

import re
from collections.abc import Collection
from dataclasses import dataclass, replace

from kb_server.bases.pool import BasePool
from kb_server.catalog.bases import Bases
from kb_server.core.domain import KnowledgeBase, Splitting, StoredDocument
from kb_server.core.errors import InvalidName, UsageError
from kb_server.core.ports import Embedder

_NAME = re.compile(r"[^\W_][\w .-]{0,62}[^\W_]|[^\W_]")  # any script's letters and digits; - _ . and spaces inside
LONGEST_DESCRIPTION = 10_000  # characters


@dataclass(frozen=True, slots=True)
class BaseSummary:
    """A knowledge base and how much of it is searchable."""

    base: KnowledgeBase
    documents: int
    chunks: int


class KnowledgeBases:
    """The knowledge bases of one home."""

    def __init__(self, bases: Bases, shelf: BasePool) -> None:
        self._bases = bases
        self._shelf = shelf

    def create(
        self,
        name: str,
        store: str,
        embedding_model: str,
        embedder: Embedder,
        splitting: Splitting | None = None,
        description: str = "",
    ) -> KnowledgeBase:
        """Make an empty base; raises InvalidName or AlreadyExists."""
        check_name(name)
        text, made = checked_description(description), (embedder.fingerprint, embedder.dimension)
        base = self._bases.create(name, store, embedding_model, *made, splitting, text)
        self._shelf.open(base)
        return base

    def all(self) -> list[BaseSummary]:
        """Return every base by name."""
        sizes = self._bases.sizes()
        return [BaseSummary(base, *sizes.get(base.id, (0, 0))) for base in self._bases.all()]

    def describe(self, base: KnowledgeBase, text: str) -> KnowledgeBase:
        """Say what a base is about; the empty text takes back what was said."""
        described = replace(base, description=checked_description(text))
        self._bases.describe(base.id, described.description)
        return described

    def delete(self, name: str) -> None:
        """Remove a base with all its documents; raises NotFound, or Busy while something writes to it."""
        opened = self._shelf.open(self._bases.find(name))
        with opened.writing():
            self._bases.delete(opened.base.id)
        try:
            opened.destroy()
        finally:  # a server that is away keeps its collection, and nothing else stays behind
            self._shelf.drop(opened.base.id)
            opened.files.delete()

    def documents(self, name: str) -> list[StoredDocument]:
        """Return a base's documents by name, in whatever state."""
        return self._shelf.open(self._bases.find(name)).documents.all()

    def remove(self, name: str, documents: Collection[str]) -> None:
        """Remove documents, all or none; they are not found from the moment this returns. Raises NotFound."""
        opened = self._shelf.open(self._bases.find(name))
        with opened.writing():
            opened.purge(opened.documents.remove(documents))


def check_name(name: str) -> None:
    """Raise InvalidName unless the name is fit for a knowledge base."""
    if not _NAME.fullmatch(name) or ".." in name:
        shown = name if len(name) <= 80 else f"{name[:60]}… ({len(name)} characters)"
        raise InvalidName(
            f"{shown!r} cannot be the name of a knowledge base.",
            "Use 1 to 64 letters, digits, spaces and - _ . between them (any language).",
        )


def checked_description(text: str) -> str:
    """Return a text as a catalog can keep it; raises UsageError if it is too long to be a description."""
    if len(text) > LONGEST_DESCRIPTION:
        raise UsageError(
            f"A description has at most {LONGEST_DESCRIPTION} characters, not {len(text)}.", "Say it in fewer words."
        )
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "").strip()

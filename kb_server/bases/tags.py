"""Putting tags on documents and taking them off."""

from collections.abc import Collection, Sequence

from kb_server.bases.pool import BasePool
from kb_server.catalog.bases import Bases
from kb_server.core.domain import KnowledgeBase
from kb_server.core.errors import InvalidName, NotFound

LONGEST_TAG = 64


class Tagger:
    """The tags of the documents of one home."""

    def __init__(self, bases: Bases, shelf: BasePool) -> None:
        self._bases = bases
        self._shelf = shelf

    def all(self, base: str) -> dict[str, tuple[str, ...]]:
        """Return the tags of each document that has any."""
        return self._shelf.tags(self._bases.find(base)).all()

    def of(self, base: KnowledgeBase, documents: Collection[str]) -> dict[str, tuple[str, ...]]:
        """Return the tags of those of these documents that have any."""
        return self._shelf.tags(base).of(documents)

    def counts(self, base: KnowledgeBase) -> dict[str, int]:
        """Return how many documents that are there have each tag, by tag."""
        return self._shelf.tags(base).counts()

    def change(
        self, base: str, documents: Collection[str], add: Sequence[str] = (), remove: Sequence[str] = ()
    ) -> dict[str, tuple[str, ...]]:
        """Put tags on documents and take others off, all or none; returns what these documents have now.

        They stay with the document's name: also when it is replaced, or removed and brought back by a restore.
        Raises NotFound for a document that is not there, InvalidName for what cannot be a tag.
        """
        found = self._bases.find(base)
        known = self._shelf.open(found).documents.names()
        for name in documents:
            if name not in known:
                raise NotFound(f"There is no document named '{name}' here.", f"See the names with: kb docs {base}")
        tags = self._shelf.tags(found)
        tags.change(documents, [check_tag(tag) for tag in add], [check_tag(tag) for tag in remove])
        now = tags.of(documents)
        return {name: now.get(name, ()) for name in documents}


def check_tag(tag: str) -> str:
    """Return the tag without spaces around it; raises InvalidName for one that is empty, too long or not printable."""
    tag = tag.strip()
    if not 0 < len(tag) <= LONGEST_TAG or not tag.isprintable():
        raise InvalidName(f"{tag[:80]!r} cannot be a tag.", f"Use 1 to {LONGEST_TAG} printable characters.")
    return tag

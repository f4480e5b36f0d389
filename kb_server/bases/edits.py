"""What people change by hand: the tags of documents, and single chunks, reworded or taken out of search."""

from collections.abc import Callable, Collection, Sequence

from kb_server.bases.open_base import OpenBase
from kb_server.bases.pool import BasePool
from kb_server.catalog.bases import Bases
from kb_server.core.domain import KnowledgeBase
from kb_server.core.errors import InvalidName, NotFound
from kb_server.core.ports import Embedder

LONGEST_TAG = 64


class Tagger:
    """The tags of the documents of one home."""

    def __init__(self, bases: Bases, pool: BasePool) -> None:
        self._bases = bases
        self._pool = pool

    def all(self, base: str) -> dict[str, tuple[str, ...]]:
        """Return the tags of each document that has any."""
        return self._pool.tags(self._bases.find(base)).all()

    def of(self, base: KnowledgeBase, documents: Collection[str]) -> dict[str, tuple[str, ...]]:
        """Return the tags of those of these documents that have any."""
        return self._pool.tags(base).of(documents)

    def counts(self, base: KnowledgeBase) -> dict[str, int]:
        """Return how many documents that are there have each tag, by tag."""
        return self._pool.tags(base).counts()

    def change(
        self, base: str, documents: Collection[str], add: Sequence[str] = (), remove: Sequence[str] = ()
    ) -> dict[str, tuple[str, ...]]:
        """Put tags on documents and take others off, all or none; returns what these documents have now.

        They stay with the document's name: also when it is replaced, or removed and brought back by a restore.
        Raises NotFound for a document that is not there, InvalidName for what cannot be a tag.
        """
        found = self._bases.find(base)
        known = self._pool.open(found).documents.names()
        for name in documents:
            if name not in known:
                raise NotFound(f"There is no document named '{name}' here.", f"See the names with: kb docs {base}")
        tags = self._pool.tags(found)
        tags.change(documents, [check_tag(tag) for tag in add], [check_tag(tag) for tag in remove])
        now = tags.of(documents)
        return {name: now.get(name, ()) for name in documents}


def check_tag(tag: str) -> str:
    """Return the tag without spaces around it; raises InvalidName for one that is empty, too long or not printable."""
    tag = tag.strip()
    if not 0 < len(tag) <= LONGEST_TAG or not tag.isprintable():
        raise InvalidName(f"{tag[:80]!r} cannot be a tag.", f"Use 1 to {LONGEST_TAG} printable characters.")
    return tag


class ChunkEdits:
    """The chunks of one base. A new version of a document has new chunks, all of them searchable."""

    def __init__(self, opened: OpenBase, embedder: Embedder) -> None:
        self._opened = opened
        self._embedder = embedder

    def disable(self, chunk_id: int) -> None:
        """Take a chunk out of search; it is not found any more from the moment this returns. Raises NotFound, Busy."""
        with self._opened.writing():
            self._opened.purge(self._opened.chunks.disable(chunk_id))

    def restore(self, chunk_id: int) -> None:
        """Put it back; the stores catch up with the catalog. Raises NotFound, Busy."""
        with self._opened.writing():
            self._opened.chunks.enable(chunk_id)
            self._opened.catch_up(self._embedder)

    def edit(self, chunk_id: int, text: str) -> None:
        """Give a chunk another wording, by which it is found and quoted from now on. Raises NotFound, Busy."""
        self._reword(chunk_id, lambda: self._opened.chunks.edit(chunk_id, text), only_edited=False)

    def revert(self, chunk_id: int) -> None:
        """Give a chunk the document's own wording back. Raises NotFound, Busy."""
        self._reword(chunk_id, lambda: self._opened.chunks.revert(chunk_id), only_edited=True)

    def _reword(self, chunk_id: int, change: Callable[[], None], *, only_edited: bool) -> None:
        """Change a chunk's text. It leaves the stores first: stopped at any point, they catch up with the catalog."""
        with self._opened.writing():
            chunk = self._opened.chunks.find(chunk_id)
            if chunk is None or (only_edited and not chunk.edited):
                kind = "edited" if only_edited else "searchable"
                raise NotFound(f"There is no {kind} chunk {chunk_id} here.", "A document's chunks change when it does.")
            self._opened.withdraw(self._opened.chunks.vector_ids_of([chunk_id]).values())
            change()
            self._opened.catch_up(self._embedder)

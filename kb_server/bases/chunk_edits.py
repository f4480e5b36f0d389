"""Looking after single chunks: taking one out of search and putting it back, rewording one and undoing that."""

from collections.abc import Callable

from kb_server.bases.open_base import OpenBase
from kb_server.core.errors import NotFound
from kb_server.core.ports import Embedder


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

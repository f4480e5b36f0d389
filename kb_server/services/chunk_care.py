"""Looking after single chunks: taking one out of search, and putting it back."""

from kb_server.ports import Embedder
from kb_server.services.open_base import OpenBase


class ChunkCare:
    """The chunks of one base. A new version of a document has new chunks, all of them searchable."""

    def __init__(self, opened: OpenBase, embedder: Embedder) -> None:
        self._opened = opened
        self._embedder = embedder

    def disable(self, chunk_id: int) -> None:
        """Take a chunk out of search; it is not found any more from the moment this returns. Raises NotFound, Busy."""
        with self._opened.writing():
            self._opened.purge(self._opened.documents.disable(chunk_id))

    def restore(self, chunk_id: int) -> None:
        """Put it back; the stores catch up with the catalog. Raises NotFound, Busy."""
        with self._opened.writing():
            self._opened.documents.enable(chunk_id)
            self._opened.catch_up(self._embedder)

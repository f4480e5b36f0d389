"""Chunks of documents."""

from webui.client.bases import place
from webui.client.connection import Connection, Shape


class Chunk(Shape):
    """A chunk; offsets count characters of the document's text. `document_id` may lack in answers kept long ago."""

    chunk_id: int
    document_id: int | None = None
    document: str
    page: int | None
    heading_path: list[str]
    text: str
    start: int
    end: int
    disabled: bool = False
    edited: bool = False
    original: str | None = None


class Place(Shape):
    """Where else the words of a chunk stand."""

    document: str
    page: int | None = None
    heading_path: tuple[str, ...] = ()


class Hit(Chunk):
    """A chunk that was found, and other places of the same words; `stages` has its score at each stage."""

    also: tuple[Place, ...] = ()
    score: float
    stages: dict[str, float]
    knowledge_base: str = ""


class Chunks:
    """The chunks of one base."""

    def __init__(self, connection: Connection, base: str) -> None:
        self._connection = connection
        self._place = place(base)

    def of(self, document_id: int, limit: int, offset: int) -> tuple[list[Chunk], int]:
        """Return a page of a document's chunks in reading order, and how many there are."""
        path = f"{self._place}/documents/{document_id}/chunks"
        page = self._connection.get(path, limit=limit, offset=offset)
        return [Chunk.model_validate(one) for one in page["chunks"]], page["total"]

    def find(self, chunk_id: int) -> Chunk:
        """Return one that is searched."""
        return Chunk.model_validate(self._connection.get(f"{self._place}/chunks/{chunk_id}"))

    def edit(self, chunk_id: int, text: str) -> None:
        """Give one another wording."""
        self._connection.patch(f"{self._place}/chunks/{chunk_id}", {"text": text})

    def revert(self, chunk_id: int) -> None:
        """Give one the document's own wording back."""
        self._connection.post(f"{self._place}/chunks/{chunk_id}/revert")

    def disable(self, chunk_id: int) -> None:
        """Take one out of search."""
        self._connection.post(f"{self._place}/chunks/{chunk_id}/disable")

    def restore(self, chunk_id: int) -> None:
        """Put one back."""
        self._connection.post(f"{self._place}/chunks/{chunk_id}/restore")

"""Documents of a base."""

from collections.abc import Sequence
from datetime import datetime
from typing import BinaryIO, Literal

from webui.client.bases import place
from webui.client.connection import Connection, Shape
from webui.client.errors import ServiceError
from webui.client.jobs import Job

_PAGE = 10_000


class Document(Shape):
    """A document; its id changes when other bytes replace it."""

    id: int
    name: str
    state: Literal["pending", "indexed", "failed"]
    pages: int | None
    chunks: int
    sha256: str
    error: str | None
    tags: tuple[str, ...] = ()
    size: int | None = None
    added: datetime | None = None


class Documents:
    """The documents of one base."""

    def __init__(self, connection: Connection, base: str) -> None:
        self._connection = connection
        self._base = place(base)
        self._place = f"{self._base}/documents"

    def all(self) -> list[Document]:
        """Return every document by name."""
        found: list[Document] = []
        while True:
            page = self._connection.get(self._place, limit=_PAGE, offset=len(found))
            found += [Document.model_validate(one) for one in page["documents"]]
            if not page["documents"] or len(found) >= page["total"]:
                return found

    def tags(self) -> list[str]:
        """Return the tags that some document has, by name."""
        return [one["tag"] for one in self._connection.get(f"{self._base}/tags")["tags"]]

    def tag(self, document_id: int, tags: Sequence[str]) -> None:
        """Give one these tags in place of those it has."""
        self._connection.put(f"{self._place}/{document_id}/tags", {"tags": list(tags)})

    def named(self, name: str) -> Document | None:
        """Return the document of this name, the version that is searched if there is one."""
        page = self._connection.get(self._place, name=name)
        found = [Document.model_validate(one) for one in page["documents"]]
        return min(found, key=lambda one: one.state != "indexed", default=None)

    def upload(self, files: list[tuple[str, BinaryIO]]) -> Job:
        """Send files and return the job that ingests them."""
        return Job.model_validate(self._connection.upload(self._place, [("files", file) for file in files]))

    def fetch(self, addresses: Sequence[str], depth: int) -> Job:
        """Begin to fetch web pages and return the job."""
        body = {"addresses": list(addresses), "depth": depth}
        return Job.model_validate(self._connection.post(f"{self._base}/pages", body))

    def original(self, document_id: int) -> bytes:
        """Return a document's bytes as they were uploaded."""
        return self._connection.content(f"{self._place}/{document_id}/content")

    def picture(self, document_id: int, page: int, quote: str) -> bytes | None:
        """Return a page of a PDF as a picture with the quote marked; None if the document has no such pages."""
        try:
            return self._connection.content(f"{self._place}/{document_id}/pages/{page}", quote=quote[:4000])
        except ServiceError as error:
            if error.code in ("not_found", "unreadable"):
                return None
            raise

    def delete(self, document_id: int) -> None:
        """Remove one."""
        self._connection.delete(f"{self._place}/{document_id}")

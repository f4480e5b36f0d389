"""Documents made of a few lines, each a chunk."""

from kb_server.catalog.bases import Bases
from kb_server.catalog.database import Database
from kb_server.catalog.documents import Documents
from kb_server.catalog.pending import Arrival, Pending
from kb_server.core.domain import Document, Slice


def base(database: Database, name: str = "notes") -> Documents:
    """Make a base and return its documents."""
    return Documents(database, Bases(database).create(name, "memory", "toy", "toy-1", 3).id)


def arrival(name: str, *parts: str, file: str = "f", size: int | None = None) -> Arrival:
    """Return a document of these parts, each a chunk under the heading "Top"."""
    slices, start = [], 0
    for part in parts:
        slices.append(Slice(start=start, end=start + len(part), page=1, heading_path=("Top",)))
        start += len(part) + 1
    document = Document(name=name, text="\n".join(parts), blocks=(), pages=1)
    return Arrival(sha256="s", file=file, size=size, document=document, slices=slices)


def index(documents: Documents, name: str, *parts: str, file: str = "f", size: int | None = None) -> Pending:
    """Write a document and make it searchable."""
    (pending,), _ = documents.begin_all([arrival(name, *parts, file=file, size=size)])
    documents.commit([pending.document_id])
    return pending

"""A filter as conditions on the rows of documents and chunks."""

from collections.abc import Iterator

from sqlalchemy import ColumnElement, or_, select

from kb_server.catalog.schema import chunks, document_tags, documents
from kb_server.core.domain import Filter


def conditions(filters: Filter, base_id: str) -> Iterator[ColumnElement[bool]]:
    """Yield what must all be true of a chunk and its document."""
    if filters.documents or filters.folder:
        yield _named(filters)
    if filters.tags:
        tagged = select(document_tags.c.document).where(
            document_tags.c.base_id == base_id, document_tags.c.tag.in_(filters.tags)
        )
        yield documents.c.name.in_(tagged)
    if filters.pages:
        yield chunks.c.page.between(*filters.pages)
    if filters.since:
        yield documents.c.created >= filters.since
    if filters.until:
        yield documents.c.created < filters.until


def _named(filters: Filter) -> ColumnElement[bool]:
    either: list[ColumnElement[bool]] = []
    if filters.documents:
        either.append(documents.c.name.in_(filters.documents))
    if filters.folder:
        either.append(documents.c.name.startswith(filters.folder.rstrip("/") + "/", autoescape=True))
    return or_(*either)

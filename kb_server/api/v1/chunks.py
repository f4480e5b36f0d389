"""Chunks of documents: read, reword, take out of search, put back."""

from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import AfterValidator, BaseModel, Field

from kb_server.access.keys import Scope
from kb_server.api.auth import CurrentBase, audited
from kb_server.api.fields import Taken, example, speakable
from kb_server.api.service import CurrentService, Service
from kb_server.api.v1.documents import DocumentId, Limit, Offset
from kb_server.core.domain import Chunk as StoredChunk
from kb_server.core.domain import KnowledgeBase
from kb_server.core.errors import NotFound


class Chunk(BaseModel):
    """A chunk of a document; offsets count characters of the document's text.

    The text of an `edited` one is a person's wording of what stands there.
    """

    chunk_id: int
    document: str
    document_id: int
    page: int | None
    heading_path: list[str]
    text: str
    start: int
    end: int
    edited: bool


class KeptChunk(Chunk):
    """A chunk; a disabled one is not searched. `original` is the document's wording of an edited one."""

    disabled: bool
    original: str | None = None


class ChunkText(Taken):
    """Another wording for a chunk."""

    model_config = example(text="Hold the red button for eight seconds.")

    text: Annotated[str, Field(max_length=20_000), AfterValidator(speakable)]


class Chunks(BaseModel):
    """A page of a document's chunks, in reading order."""

    chunks: list[KeptChunk]
    total: int


router = APIRouter(prefix="/api/v1/knowledge-bases/{base}", tags=["chunks"])

ChunkId = Annotated[int, Path(ge=1, le=(1 << 63) - 1)]


@router.get("/documents/{document_id}/chunks")
def list_chunks(
    base: CurrentBase, service: CurrentService, document_id: DocumentId, limit: Limit = 100, offset: Offset = 0
) -> Chunks:
    """Return a document's chunks in reading order, disabled ones too."""
    document, rows = service.app.catalog.documents(base).find(document_id), service.app.catalog.documents(base).chunks
    found, disabled = rows.of_document(document_id, limit, offset), rows.disabled(document_id)
    originals = rows.original_texts(document_id)
    chunks = [
        KeptChunk(**_chunk(one).model_dump(), disabled=one.id in disabled, original=originals.get(one.id))
        for one in found
    ]
    return Chunks(chunks=chunks, total=document.chunks)


@router.get("/chunks/{chunk_id}")
def get_chunk(base: CurrentBase, service: CurrentService, chunk_id: ChunkId) -> Chunk:
    """Return one searchable chunk."""
    return _searchable(service, base, chunk_id)


@router.patch("/chunks/{chunk_id}", dependencies=[audited("chunk.edit", Scope.WRITE)])
def edit_chunk(new: ChunkText, base: CurrentBase, service: CurrentService, chunk_id: ChunkId) -> Chunk:
    """Give a chunk another wording, by which it is found and quoted until its document is replaced."""
    service.app.bases.chunk_edits(base).edit(chunk_id, new.text)
    return _searchable(service, base, chunk_id)


@router.post("/chunks/{chunk_id}/revert", dependencies=[audited("chunk.revert", Scope.WRITE)])
def revert_chunk(base: CurrentBase, service: CurrentService, chunk_id: ChunkId) -> Chunk:
    """Give a chunk the document's own wording back."""
    service.app.bases.chunk_edits(base).revert(chunk_id)
    return _searchable(service, base, chunk_id)


@router.post("/chunks/{chunk_id}/disable", status_code=204, dependencies=[audited("chunk.disable", Scope.WRITE)])
def disable_chunk(base: CurrentBase, service: CurrentService, chunk_id: ChunkId) -> Response:
    """Take a chunk out of search, until its document is replaced."""
    service.app.bases.chunk_edits(base).disable(chunk_id)
    return Response(status_code=204)


@router.post("/chunks/{chunk_id}/restore", status_code=204, dependencies=[audited("chunk.restore", Scope.WRITE)])
def restore_chunk(base: CurrentBase, service: CurrentService, chunk_id: ChunkId) -> Response:
    """Put a chunk back into search."""
    service.app.bases.chunk_edits(base).restore(chunk_id)
    return Response(status_code=204)


def _searchable(service: Service, base: KnowledgeBase, chunk_id: int) -> Chunk:
    found = service.app.catalog.documents(base).chunks.find(chunk_id)
    if found is None:
        raise NotFound(f"There is no chunk {chunk_id} here.", "Chunks change when their document does.")
    return _chunk(found)


def _chunk(one: StoredChunk) -> Chunk:
    return Chunk(
        chunk_id=one.id,
        document=one.document,
        document_id=one.document_id,
        page=one.page,
        heading_path=list(one.heading_path),
        text=one.text,
        start=one.start,
        end=one.end,
        edited=one.edited,
    )

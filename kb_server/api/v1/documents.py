"""Documents of a base: upload, list, download, delete."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path as FilePath
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from kb_server.access.keys import Scope
from kb_server.api.auth import CurrentBase, CurrentCaller, audited
from kb_server.api.fields import Taken, example
from kb_server.api.multipart import receive
from kb_server.api.service import CurrentService, Service
from kb_server.api.v1.jobs import JobDetail, job_json
from kb_server.core.domain import KnowledgeBase, StoredDocument
from kb_server.core.errors import NotFound
from kb_server.ingest.uploads import Upload
from loaders.pdf.page_picture import PagePicture


class Document(BaseModel):
    """A document; its id changes when other bytes replace it. `size` is in bytes, null if they are not kept."""

    id: int
    name: str
    state: Literal["pending", "indexed", "failed"]
    pages: int | None
    chunks: int
    sha256: str
    error: str | None
    tags: list[str]
    size: int | None
    added: datetime


class Tags(Taken):
    """The tags that a document is to have, in place of those it has."""

    model_config = example(tags=["travel", "2026"])

    tags: Annotated[list[Annotated[str, Field(min_length=1, max_length=64)]], Field(max_length=100)]


class TagCount(BaseModel):
    """A tag, and how many documents have it."""

    tag: str
    documents: int


class TagCounts(BaseModel):
    """The tags of a base by name."""

    tags: list[TagCount]


class Documents(BaseModel):
    """A page of a base's documents, by name."""

    documents: list[Document]
    total: int


router = APIRouter(prefix="/api/v1/knowledge-bases/{base}", tags=["documents"])

Limit = Annotated[int, Query(ge=1, le=1000)]

Offset = Annotated[int, Query(ge=0, le=1_000_000_000)]

_LONGEST_LIST = 10_000  # rows are short: a page of thousands beats many requests

_LARGEST_ID = (1 << 63) - 1

DocumentId = Annotated[int, Path(ge=1, le=_LARGEST_ID)]

_FILES: dict[str, Any] = {"type": "array", "items": {"type": "string", "format": "binary"}}

_UPLOAD_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"multipart/form-data": {"schema": {"type": "object", "properties": {"files": _FILES}}}},
    }
}


@router.get("/documents")
def list_documents(
    base: CurrentBase,
    service: CurrentService,
    limit: Annotated[int, Query(ge=1, le=_LONGEST_LIST)] = 100,
    offset: Offset = 0,
    name: Annotated[str | None, Query(max_length=2000)] = None,
) -> Documents:
    """List documents by name, in whatever state; with `name` those of exactly this name."""
    found, total = service.app.bases.page(base, limit, offset, name)
    tags = service.app.bases.tags.of(base, [one.name for one in found])
    return Documents(documents=[_document(one, tags.get(one.name, ())) for one in found], total=total)


@router.post(
    "/documents",
    status_code=202,
    dependencies=[audited("documents.upload", Scope.WRITE)],
    openapi_extra=_UPLOAD_BODY,
    max_body_size=1 << 62,  # the upload has a limit of its own
)
async def upload_documents(
    request: Request, base: CurrentBase, service: CurrentService, caller: CurrentCaller
) -> JobDetail:
    """Take files in and return the job that ingests them. Once this is answered, they are not lost any more."""
    options = service.app.settings.service
    upload, _ = await receive(request, lambda: begin_upload(service), options.upload_megabytes << 20)
    return await run_in_threadpool(submit, service, base, caller.id, upload)


@router.get("/documents/{document_id}")
def get_document(base: CurrentBase, service: CurrentService, document_id: DocumentId) -> Document:
    """Return one document."""
    document = service.app.bases.document(base, document_id)
    return _document(document, service.app.bases.tags.of(base, [document.name]).get(document.name, ()))


@router.put("/documents/{document_id}/tags", dependencies=[audited("document.tag", Scope.WRITE)])
def tag_document(base: CurrentBase, service: CurrentService, document_id: DocumentId, asked: Tags) -> Document:
    """Give a document these tags in place of those it has; searches can be kept to documents with a tag."""
    document = service.app.bases.document(base, document_id)
    before = service.app.bases.tags.of(base, [document.name]).get(document.name, ())
    now = service.app.bases.tags.change(base.name, [document.name], asked.tags, before)
    return _document(document, now[document.name])


@router.get("/tags")
def list_tags(base: CurrentBase, service: CurrentService) -> TagCounts:
    """List the tags that documents have, by name."""
    counts = service.app.bases.tags.counts(base)
    return TagCounts(tags=[TagCount(tag=tag, documents=count) for tag, count in counts.items()])


@router.get("/documents/{document_id}/content", response_class=FileResponse)
def download_document(base: CurrentBase, service: CurrentService, document_id: DocumentId) -> FileResponse:
    """Return the original, always as a download: a browser never shows or runs it."""
    return original(service, base, service.app.catalog.documents(base).find(document_id))


@router.get(
    "/documents/{document_id}/pages/{page}",
    response_class=Response,
    responses={200: {"content": {"image/png": {}}, "description": "The page; X-Quote-Lines says where the quote is."}},
)
async def draw_page(
    base: CurrentBase,
    service: CurrentService,
    document_id: DocumentId,
    page: Annotated[int, Path(ge=1, le=100_000)],
    quote: Annotated[str, Query(max_length=8000)] = "",
    width: Annotated[int, Query(ge=100, le=2400)] = 1000,
) -> Response:
    """Return a page of a PDF as a picture, the quote marked; `X-Quote-Lines` counts the lines it stands on."""
    drawn = await service.searches.run(lambda: _drawn(service, base, document_id, page, quote, width))
    return Response(drawn.png, media_type="image/png", headers={"X-Quote-Lines": str(drawn.marks)})


@router.delete("/documents/{document_id}", status_code=204, dependencies=[audited("document.delete", Scope.WRITE)])
def delete_document(base: CurrentBase, service: CurrentService, document_id: DocumentId) -> Response:
    """Remove a document; it is not found any more from now on."""
    document = service.app.catalog.documents(base).find(document_id)
    service.app.bases.remove(base.name, [document.name])
    return Response(status_code=204)


def begin_upload(service: Service) -> Upload:
    """Make room for an upload."""
    return service.app.ingest.uploads.begin(service.app.settings.service.upload_files)


def submit(service: Service, base: KnowledgeBase, owner: str, upload: Upload) -> JobDetail:
    """Turn a received upload into a job."""
    job = service.app.jobs.submit(base.id, owner, upload, service.app.bases.quota(base))
    return job_json(job, service.app.jobs.files(job.id))


def original(service: Service, base: KnowledgeBase, document: StoredDocument) -> FileResponse:
    """Return a document's bytes; raises NotFound for one that could not be read, whose bytes are not kept."""
    path = _kept(service, base, document)
    name = document.name.rpartition("/")[2]
    return FileResponse(path, media_type="application/octet-stream", filename=name)


def _kept(service: Service, base: KnowledgeBase, document: StoredDocument) -> FilePath:
    path = service.app.bases.original(base, document)
    if path is None or not path.is_file():
        raise NotFound(f"The original of '{document.name}' is not kept.", "It could not be read when it was uploaded.")
    return path


def _drawn(service: Service, base: KnowledgeBase, document_id: int, page: int, quote: str, width: int) -> PagePicture:
    document = service.app.catalog.documents(base).find(document_id)
    return service.app.ingest.page_pictures.picture(_kept(service, base, document), page, quote, width)


def _document(one: StoredDocument, tags: Sequence[str]) -> Document:
    return Document(
        id=one.id,
        name=one.name,
        state=one.state.value,
        pages=one.pages,
        chunks=one.chunks,
        sha256=one.sha256,
        error=one.error,
        tags=list(tags),
        size=one.size,
        added=one.created,
    )

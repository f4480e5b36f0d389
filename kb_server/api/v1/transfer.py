"""A base as one file: out and in."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool

from kb_server.access.keys import Scope
from kb_server.api.auth import CurrentBase, CurrentCaller, audited
from kb_server.api.multipart import receive
from kb_server.api.service import CurrentService, Service
from kb_server.api.v1.bases import Base, base_json, refuse_restricted
from kb_server.catalog.jobs import FileState
from kb_server.core.domain import KnowledgeBase
from kb_server.core.errors import BrokenArchive, UsageError
from kb_server.ingest.uploads import Upload

router = APIRouter(prefix="/api/v1", tags=["moving"])

_ARCHIVE_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "name": {"type": "string"},
                        "store": {"type": "string"},
                    },
                }
            }
        },
    }
}


@router.get(
    "/knowledge-bases/{base}/export",
    response_class=FileResponse,
    dependencies=[audited("base.export", Scope.WRITE)],
)
async def export_base(base: CurrentBase, service: CurrentService) -> FileResponse:
    """Return the base as one file: documents, chunks, vectors, originals. Who wants to write waits meanwhile."""
    place = await run_in_threadpool(service.app.ingest.uploads.begin, 0)  # swept away if this process dies
    try:
        path = place.new_path()
        await service.searches.run(lambda: service.app.bases.exporter.run(base.name, path))
    except BaseException:
        await run_in_threadpool(place.discard)
        raise
    name = f"{base.name}.kb.zip"
    return FileResponse(path, media_type="application/zip", filename=name, background=BackgroundTask(place.discard))


@router.post(
    "/import",
    status_code=201,
    dependencies=[audited("base.import", Scope.ADMIN)],
    openapi_extra=_ARCHIVE_BODY,
    max_body_size=1 << 62,  # the upload has a limit of its own
)
async def import_base(request: Request, service: CurrentService, caller: CurrentCaller) -> Base:
    """Make a base from an exported `file`, after checking all of it; nothing is embedded. `name` gives it another."""
    refuse_restricted(caller)
    most = service.app.settings.service.upload_megabytes << 20
    upload, form = await receive(request, lambda: service.app.ingest.uploads.begin(1), most)
    name, store = form.text("name") or None, form.text("store") or None
    made = await service.searches.run(lambda: _imported(service, upload, name, store))
    return base_json(service, service.app.bases.summary(made))


def _imported(service: Service, upload: Upload, name: str | None, store: str | None) -> KnowledgeBase:
    try:
        (file,) = upload.finish()
        if file.state is FileState.FAILED:
            raise UsageError(f"'{file.name}' is not taken: {file.reason}", "Send a file made by an export.")
        try:
            return service.app.bases.import_file(upload.path(file), name, store)
        except BrokenArchive as error:
            raise BrokenArchive(file.name, error.reason) from error
    finally:
        upload.discard()

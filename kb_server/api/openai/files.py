"""`/v1/files`: files that a key keeps here. Ids are random and stand in the catalog; they say nothing of a path."""

from datetime import UTC
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse
from starlette.concurrency import run_in_threadpool

from kb_server.access.keys import Scope
from kb_server.api.auth import CurrentCaller, audited
from kb_server.api.multipart import receive
from kb_server.api.service import CurrentService
from kb_server.catalog.kept_files import KeptFile
from kb_server.core.errors import NotFound

router = APIRouter(prefix="/v1/files", tags=["OpenAI-compatible"])


@router.post("", dependencies=[audited("file.keep", Scope.WRITE)], max_body_size=1 << 62)
async def keep_file(request: Request, service: CurrentService, caller: CurrentCaller) -> dict[str, Any]:
    """Keep a file, sent in the field `file`."""
    most = service.app.settings.service.upload_megabytes << 20
    upload, form = await receive(request, lambda: service.app.ingest.uploads.begin(1), most)
    purpose = form.text("purpose", "assistants")[:64]
    return _file(await run_in_threadpool(service.app.ingest.kept_files.keep, caller.id, upload, purpose))


@router.get("")
def list_files(service: CurrentService, caller: CurrentCaller) -> dict[str, Any]:
    """List the key's own files, newest first."""
    return {
        "object": "list",
        "data": [_file(one) for one in service.app.ingest.kept_files.of(caller.id)],
        "has_more": False,
    }


@router.get("/{file_id}")
def get_file(file_id: str, service: CurrentService, caller: CurrentCaller) -> dict[str, Any]:
    """Return one of the key's own files."""
    return _file(service.app.ingest.kept_files.find(caller.id, file_id))


@router.get("/{file_id}/content", response_class=FileResponse)
def get_content(file_id: str, service: CurrentService, caller: CurrentCaller) -> FileResponse:
    """Return the bytes of one of the key's own files, as a download."""
    kept = service.app.ingest.kept_files.find(caller.id, file_id)
    path = service.app.ingest.kept_files.path(kept)
    if not path.is_file():
        raise NotFound(f"The bytes of '{kept.id}' are gone.", "Send the file again.")
    name = kept.name.rpartition("/")[2]
    return FileResponse(path, media_type="application/octet-stream", filename=name)


@router.delete("/{file_id}", dependencies=[audited("file.delete", Scope.WRITE)])
def delete_file(file_id: str, service: CurrentService, caller: CurrentCaller) -> dict[str, Any]:
    """Delete one of the key's own files."""
    service.app.ingest.kept_files.delete(caller.id, file_id)
    return {"id": file_id, "object": "file", "deleted": True}


def _file(one: KeptFile) -> dict[str, Any]:
    return {
        "id": one.id,
        "object": "file",
        "bytes": one.size,
        "created_at": int(one.created.replace(tzinfo=UTC).timestamp()),
        "filename": one.name,
        "purpose": one.purpose,
        "status": "processed",
    }

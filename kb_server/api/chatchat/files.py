"""Documents as Langchain-Chatchat's clients know them (its 0.3)."""

import secrets
from pathlib import PurePosixPath
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse
from starlette.concurrency import run_in_threadpool

from kb_server.access.keys import Caller, Scope
from kb_server.api.auth import CurrentCaller, audited
from kb_server.api.chatchat.bases import chatchat_base
from kb_server.api.chatchat.schemas import Files, Search, TempSearch, document, envelope, filter_of, near_enough
from kb_server.api.multipart import receive
from kb_server.api.service import CurrentService, Service
from kb_server.api.v1.documents import begin_upload, original
from kb_server.api.v1.jobs import until_over
from kb_server.catalog.jobs import FileState
from kb_server.core.domain import DocumentState, Filter, KnowledgeBase
from kb_server.core.errors import NotFound
from kb_server.ingest.uploads import Upload

router = APIRouter(prefix="/knowledge_base", tags=["Chatchat-compatible"])

_TEMPORARY_BASES = 10  # of one key; the oldest goes
_CHUNKS_SHOWN = 1000
BaseQuery = Annotated[str, Query(max_length=256)]


@router.get("/list_files")
def list_files(service: CurrentService, caller: CurrentCaller, knowledge_base_name: BaseQuery) -> dict[str, Any]:
    """List a base's documents."""
    base = chatchat_base(service, caller, knowledge_base_name)
    rows = [
        {
            "No": number,
            "kb_name": base.name,
            "file_name": one.name,
            "file_ext": PurePosixPath(one.name).suffix,
            "docs_count": one.chunks,
            "in_folder": bool(one.file),
            "in_db": one.state is DocumentState.INDEXED,
        }
        for number, one in enumerate(service.app.catalog.documents(base).all(), 1)
    ]
    return envelope(data=rows)


@router.post("/search_docs")
async def search_docs(asked: Search, service: CurrentService, caller: CurrentCaller) -> list[dict[str, Any]]:
    """Search a base; without a query, return the chunks of the document that `file_name` names."""
    return await service.searches.run(lambda: _search(asked, service, caller))


@router.post("/upload_docs", dependencies=[audited("documents.upload", Scope.WRITE)], max_body_size=1 << 62)
async def upload_docs(request: Request, service: CurrentService, caller: CurrentCaller) -> dict[str, Any]:
    """Take files in and answer when they can be searched; those that cannot are in `failed_files` with the reason."""
    most = service.app.settings.service.upload_megabytes << 20
    upload, form = await receive(request, lambda: begin_upload(service), most)
    try:
        base = await run_in_threadpool(chatchat_base, service, caller, form.text("knowledge_base_name"))
        if not form.flag("override", default=False):
            await run_in_threadpool(_refuse_known, service, base, upload)
    except BaseException:
        await run_in_threadpool(upload.discard)
        raise
    failed = await _ingested(service, base, caller.id, upload)
    return envelope("文件上传与向量化完成", {"failed_files": failed})


@router.post("/update_docs", dependencies=[audited("documents.update", Scope.WRITE)])
def update_docs(asked: Files, service: CurrentService, caller: CurrentCaller) -> dict[str, Any]:
    """Say which documents are not searchable, and why. Others are in step with the indexes at any time."""
    base = chatchat_base(service, caller, asked.knowledge_base_name)
    known = {one.name: one for one in service.app.catalog.documents(base).all()}
    failed = {name: f"未找到文件 {name}" for name in asked.file_names if name not in known}
    failed |= {name: error for name in asked.file_names if name in known and (error := known[name].error)}
    return envelope("更新文档完成", {"failed_files": failed})


@router.post("/delete_docs", dependencies=[audited("document.delete", Scope.WRITE)])
def delete_docs(asked: Files, service: CurrentService, caller: CurrentCaller) -> dict[str, Any]:
    """Remove documents; they are not found any more from now on."""
    base = chatchat_base(service, caller, asked.knowledge_base_name)
    known = {one.name for one in service.app.catalog.documents(base).all()}
    doomed = [name for name in dict.fromkeys(asked.file_names) if name in known]
    if doomed:
        service.app.bases.remove(base.name, doomed)
    failed = {name: f"未找到文件 {name}" for name in asked.file_names if name not in known}
    return envelope("文件删除完成", {"failed_files": failed})


@router.get("/download_doc", response_class=FileResponse)
def download_doc(
    service: CurrentService,
    caller: CurrentCaller,
    knowledge_base_name: BaseQuery,
    file_name: Annotated[str, Query(max_length=2000)],
) -> FileResponse:
    """Return an original, always as a download: no page ever shows or runs it."""
    base = chatchat_base(service, caller, knowledge_base_name)
    for one in service.app.catalog.documents(base).page(name=file_name):
        return original(service, base, one)
    raise NotFound(f"未找到文件 {file_name}")


@router.post("/upload_temp_docs", dependencies=[audited("documents.temporary", Scope.WRITE)], max_body_size=1 << 62)
async def upload_temp_docs(request: Request, service: CurrentService, caller: CurrentCaller) -> dict[str, Any]:
    """Take in files that only this key can ask, under a random id; `prev_id` adds to those of before."""
    most = service.app.settings.service.upload_megabytes << 20
    upload, form = await receive(request, lambda: begin_upload(service), most)
    try:
        base = await run_in_threadpool(_temporary_base, service, caller, form.text("prev_id"))
    except BaseException:
        await run_in_threadpool(upload.discard)
        raise
    failed = await _ingested(service, base, caller.id, upload)
    return envelope(data={"id": base.name, "failed_files": [{name: reason} for name, reason in failed.items()]})


@router.post("/search_temp_docs")
async def search_temp_docs(asked: TempSearch, service: CurrentService, caller: CurrentCaller) -> list[dict[str, Any]]:
    """Search the files of one's own."""
    search = Search(
        query=asked.query,
        knowledge_base_name=asked.knowledge_id,
        top_k=asked.top_k,
        score_threshold=asked.score_threshold,
    )
    return await service.searches.run(lambda: _search(search, service, caller))


def _search(asked: Search, service: Service, caller: Caller) -> list[dict[str, Any]]:
    base, only = chatchat_base(service, caller, asked.knowledge_base_name), filter_of(asked)
    if not asked.query.strip():
        return _chunks(service, base, only)
    hits = service.app.search.retriever(base).retrieve(asked.query, asked.top_k, only)
    return [document(hit.chunk, hit.score) for hit in hits if near_enough(hit, asked.score_threshold)]


def _chunks(service: Service, base: KnowledgeBase, only: Filter | None) -> list[dict[str, Any]]:
    if only is None:
        return []
    rows = service.app.catalog.documents(base).chunks
    found = rows.by_vector(rows.vector_ids(only)[:_CHUNKS_SHOWN], only)
    return [document(found[id_], None) for id_ in sorted(found)]


def _refuse_known(service: Service, base: KnowledgeBase, upload: Upload) -> None:
    for known in service.app.catalog.documents(base).all():
        if known.state is DocumentState.INDEXED:
            upload.refuse(known.name, f"文件 {known.name} 已存在。")


async def _ingested(service: Service, base: KnowledgeBase, owner: str, upload: Upload) -> dict[str, str]:
    """Ingest an upload and wait for it; returns what failed, with the reason."""
    files = await run_in_threadpool(_received, upload)
    if any(file.state is FileState.QUEUED for file in files):
        job = await run_in_threadpool(service.app.jobs.submit, base.id, owner, upload, service.app.bases.quota(base))
        async for _ in until_over(service, job.id):
            pass
        files = await run_in_threadpool(service.app.jobs.files, job.id)
    else:
        await run_in_threadpool(upload.discard)
    return {file.name: file.reason or "尚未完成" for file in files if file.state is not FileState.DONE}


def _received(upload: Upload) -> list[Any]:
    try:
        return list(upload.finish())
    except BaseException:
        upload.discard()
        raise


def _temporary_base(service: Service, caller: Caller, previous: str) -> KnowledgeBase:
    if previous:
        base = chatchat_base(service, caller, previous)
        if service.app.catalog.temporary.owner(base.id) == caller.id:
            return base
        raise NotFound(f"未找到知识库 {previous[:200]}")
    earlier = service.app.catalog.temporary.names(caller.id)
    for name in earlier[: max(0, len(earlier) - _TEMPORARY_BASES + 1)]:
        service.app.bases.delete(name)
    made = service.app.bases.create(f"temp-{secrets.token_hex(16)}")
    service.app.catalog.temporary.add(made.id, caller.id)
    return made

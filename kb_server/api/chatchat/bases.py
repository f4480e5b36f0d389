"""Knowledge bases as Langchain-Chatchat's clients know them (its 0.3)."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Body
from fastapi.responses import JSONResponse, StreamingResponse

from kb_server.access.keys import Caller, Scope
from kb_server.api import streams as sse
from kb_server.api.auth import CurrentCaller, audited, base_named, visible_summaries
from kb_server.api.chatchat.schemas import BaseInfo, NewBase, Rebuild, envelope
from kb_server.api.service import CurrentService, Service
from kb_server.api.v1.bases import refuse_restricted, refuse_unknown_embedder
from kb_server.core.domain import KnowledgeBase
from kb_server.core.errors import AlreadyExists, InvalidName, NotFound

router = APIRouter(prefix="/knowledge_base", tags=["Chatchat-compatible"])

_LONGEST_NAME = 1000


@router.get("/list_knowledge_bases")
def list_knowledge_bases(service: CurrentService, caller: CurrentCaller) -> dict[str, Any]:
    """List the bases that the key is for."""
    rows = [
        {
            "id": number,
            "kb_name": one.base.name,
            "kb_info": one.base.description,
            "vs_type": one.base.store,
            "embed_model": one.base.embedder,
            "file_count": one.documents,
            "create_time": one.base.created.isoformat(timespec="seconds"),
        }
        for number, one in enumerate(visible_summaries(service, caller), 1)
    ]
    return envelope(data=rows)


@router.post("/create_knowledge_base", response_model=None, dependencies=[audited("base.create", Scope.ADMIN)])
def create_knowledge_base(
    new: NewBase, service: CurrentService, caller: CurrentCaller
) -> dict[str, Any] | JSONResponse:
    """Make an empty base."""
    refuse_restricted(caller)
    name = new.knowledge_base_name.strip()
    if not name:
        return refusal(404, "知识库名称不能为空，请重新填写知识库名称")
    refuse_unknown_embedder(service, caller, new.embed_model)
    try:
        service.app.bases.create(name, new.vector_store_type, new.embed_model, description=new.kb_info)
    except AlreadyExists:
        return refusal(404, f"已存在同名知识库 {name}")
    except InvalidName as error:
        return refusal(403, str(error))
    return envelope(f"已新增知识库 {name}")


@router.post("/delete_knowledge_base", response_model=None, dependencies=[audited("base.delete", Scope.ADMIN)])
def delete_knowledge_base(
    knowledge_base_name: Annotated[str, Body(max_length=_LONGEST_NAME, examples=["samples"])],
    service: CurrentService,
    caller: CurrentCaller,
) -> dict[str, Any]:
    """Delete a base with its documents."""
    base = chatchat_base(service, caller, knowledge_base_name)
    service.app.bases.delete(base.name)
    return envelope(f"成功删除知识库 {base.name}")


@router.post("/update_info", dependencies=[audited("base.note", Scope.WRITE)])
def update_info(info: BaseInfo, service: CurrentService, caller: CurrentCaller) -> dict[str, Any]:
    """Say what a base is about."""
    base = chatchat_base(service, caller, info.knowledge_base_name)
    described = service.app.bases.describe(base, info.kb_info)
    return envelope("知识库介绍修改完成", {"kb_info": described.description})


@router.post(
    "/recreate_vector_store", response_class=StreamingResponse, dependencies=[audited("base.mend", Scope.WRITE)]
)
async def recreate_vector_store(asked: Rebuild, service: CurrentService, caller: CurrentCaller) -> StreamingResponse:
    """Bring the indexes in step with the documents while they go on answering, and say so for each document."""
    names = await service.searches.run(lambda: _mended(service, caller, asked.knowledge_base_name))
    return sse.stream(_told(names))


def chatchat_base(service: Service, caller: Caller, name: str) -> KnowledgeBase:
    """Return a base that the caller may see; raises NotFound with their words."""
    try:
        return base_named(service, caller, name.strip())
    except NotFound as error:
        raise NotFound(f"未找到知识库 {name.strip()[:_LONGEST_NAME]}") from error


def refusal(status: int, msg: str) -> JSONResponse:
    """Return an error in the envelope; unlike there, the HTTP status is an error too."""
    return JSONResponse(envelope(msg, code=status), status)


def _mended(service: Service, caller: Caller, name: str) -> list[str]:
    base = chatchat_base(service, caller, name)
    service.app.ingest.pipeline(base.name).take([])
    return [document.name for document in service.app.catalog.documents(base).all()]


async def _told(names: list[str]) -> AsyncIterator[bytes]:
    total = len(names)
    for number, name in enumerate(names, 1):
        msg = f"({number} / {total}): {name}"
        yield sse.event({"code": 200, "msg": msg, "total": total, "finished": number, "doc": name})

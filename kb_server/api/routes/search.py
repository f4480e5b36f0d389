"""Search."""

from fastapi import APIRouter

from kb_server.api.schemas import Found, FoundHit, Search
from kb_server.api.service import CurrentCaller, CurrentService, Service, base_named
from kb_server.services.keys import Caller
from kb_server.services.searching import MergedRetrieval, search_bases
from kb_server.services.shapes import hit_json

router = APIRouter(prefix="/api/v1", tags=["search"])


@router.post("/search")
async def search(asked: Search, service: CurrentService, caller: CurrentCaller) -> Found:
    """Find passages in one or several bases, in one ranking; `stages` explains each score."""
    found = await service.searches.run(lambda: _search(asked, service, caller))
    hits = [FoundHit(knowledge_base=one.base, **hit_json(one.hit)) for one in found.hits]
    return Found(hits=hits, timings_ms={step: round(value, 1) for step, value in found.timings_ms.items()})


def _search(asked: Search, service: Service, caller: Caller) -> MergedRetrieval:
    names = [base_named(service, caller, name).name for name in dict.fromkeys(asked.knowledge_bases)]
    searchers = {name: service.app.retriever(name) for name in names}
    k = asked.k or service.app.settings.retrieval.k
    return search_bases(searchers, asked.question, k, asked.only.filter(), asked.mode)

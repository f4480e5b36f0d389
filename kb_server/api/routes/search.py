"""Search: passages of one or several bases, and why one is among them or not."""

from typing import Annotated

from fastapi import APIRouter, Query

from kb_server.api.schemas import ExampleQuestions, Explain, Explanation, Found, Hit, Search
from kb_server.api.service import CurrentBase, CurrentCaller, CurrentService, Service, base_named, visible_bases
from kb_server.domain import KnowledgeBase
from kb_server.retrieval.hybrid import Retrieval
from kb_server.services.keys import Caller
from kb_server.services.questions import make_questions
from kb_server.services.searching import search_bases
from kb_server.services.shapes import explanation_json, hit_json

router = APIRouter(prefix="/api/v1", tags=["search"])

_CHUNKS_ASKED = 400  # enough for a handful of questions, and quick in a base of any size


@router.post("/search")
async def search(asked: Search, service: CurrentService, caller: CurrentCaller) -> Found:
    """Find passages in one or several bases, in one ranking; `stages` explains each score."""
    found = await service.searches.run(lambda: _search(asked, service, caller))
    hits = [Hit(**hit_json(hit)) for hit in found.hits]
    return Found(hits=hits, timings_ms={step: round(value, 1) for step, value in found.timings_ms.items()})


@router.post("/knowledge-bases/{base}/explain")
async def explain(asked: Explain, base: CurrentBase, service: CurrentService) -> Explanation:
    """Say where a chunk stands at each stage of a search, and which limit keeps it out of the answer."""
    return await service.searches.run(lambda: _explain(asked, base, service))


@router.get("/knowledge-bases/{base}/questions")
async def example_questions(
    base: CurrentBase, service: CurrentService, count: Annotated[int, Query(ge=1, le=20)] = 4
) -> ExampleQuestions:
    """Return questions to begin with, made from the base's own text; fewer if it does not give as many."""
    return await service.searches.run(lambda: _questions(base, service, count))


def _search(asked: Search, service: Service, caller: Caller) -> Retrieval:
    named = [base_named(service, caller, name) for name in dict.fromkeys(asked.knowledge_bases)]
    searchers = {base.name: service.app.retriever(base) for base in named or visible_bases(service, caller)}
    k = asked.k or service.app.settings.retrieval.k
    return search_bases(searchers, asked.question, k, asked.only.filter(), asked.mode)


def _explain(asked: Explain, base: KnowledgeBase, service: Service) -> Explanation:
    explaining = service.app.explaining(base.name, asked.k)
    found = explaining.explain(asked.question, asked.chunk_id, asked.only.filter(), asked.mode)
    return Explanation(**explanation_json(found))


def _questions(base: KnowledgeBase, service: Service, count: int) -> ExampleQuestions:
    rows = service.app.documents(base)
    ids = rows.chunk_ids()
    step = max(1, len(ids) // _CHUNKS_ASKED)
    chunks = list(rows.chunks(ids[::step][:_CHUNKS_ASKED]).values())
    return ExampleQuestions(questions=[made.case.question for made in make_questions(chunks, count, 0)])

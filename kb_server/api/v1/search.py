"""Search: passages of one or several bases, and why one is among them or not."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from kb_server.access.keys import Caller
from kb_server.answering.contract import explanation_json, hit_json
from kb_server.api.auth import CurrentBase, CurrentCaller, base_named, visible_bases
from kb_server.api.fields import BaseName, Question, Taken, example
from kb_server.api.service import CurrentService, Service
from kb_server.api.v1.chunks import Chunk
from kb_server.calibration.questions import make_questions
from kb_server.core.domain import Filter, KnowledgeBase, SearchMode
from kb_server.search.hybrid import Retrieval


class Place(BaseModel):
    """Where else the words of a chunk stand."""

    chunk_id: int
    document: str
    start: int
    end: int
    page: int | None
    heading_path: list[str]


class Hit(Chunk):
    """A chunk that was found, and other places of the same words. `stages` has its scores in each index."""

    knowledge_base: str
    also: list[Place] = Field(default=[])
    score: float
    stages: dict[str, float]


PageNumber = Annotated[int, Field(ge=1, le=1_000_000)]


class Only(Taken):
    """Which documents to look in, and which pages (first, last) of them; empty: all.

    `since` and `until` bound when a document's present version came in.
    """

    documents: Annotated[list[str], Field(max_length=1000)] = Field(default=[])
    folder: Annotated[str, Field(max_length=1000)] = ""
    tags: Annotated[list[str], Field(max_length=100)] = Field(default=[])
    pages: tuple[PageNumber, PageNumber] | None = None
    since: datetime | None = None
    until: datetime | None = None

    def filter(self) -> Filter:
        """Return it as the services take it."""
        tags = tuple(self.tags)
        return Filter(
            documents=tuple(self.documents),
            folder=self.folder,
            tags=tags,
            pages=self.pages,
            since=_utc(self.since),
            until=_utc(self.until),
        )


def _utc(time: datetime | None) -> datetime | None:
    """Return the time in UTC without a zone, as the catalog keeps it; one that names no zone is UTC."""
    return time.astimezone(UTC).replace(tzinfo=None) if time and time.tzinfo else time


class Search(Taken):
    """A search in one or several bases; without any, in all that the key is for."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"knowledge_bases": ["handbook"], "question": "Who signs travel requests?"}]}
    )

    knowledge_bases: Annotated[list[BaseName], Field(max_length=50)] = Field(default=[])
    question: Question
    k: Annotated[int, Field(ge=1, le=100)] | None = None
    mode: SearchMode = SearchMode.HYBRID
    only: Only = Only()


class Found(BaseModel):
    """Hits of all bases in one ranking, best first."""

    hits: list[Hit]
    timings_ms: dict[str, float]


class Explain(Taken):
    """A question, and a chunk that was expected among the hits or surprises there."""

    model_config = example(question="Who signs travel requests?", chunk_id=17)

    question: Question
    chunk_id: Annotated[int, Field(ge=1, le=(1 << 63) - 1)]
    k: Annotated[int, Field(ge=1, le=100)] | None = None
    mode: SearchMode = SearchMode.HYBRID
    only: Only = Only()


class Standing(BaseModel):
    """Where a chunk stands at one stage of a search; null where that stage did not find it."""

    stage: str
    rank: int | None
    score: float | None


class Limit(BaseModel):
    """A limit on the way into an answer, and whether the chunk passed it."""

    limit: str
    value: float
    passed: bool


class Explanation(BaseModel):
    """A chunk's way through the search, stage by stage, and the limits in the order they apply."""

    chunk_id: int
    document: str
    stages: list[Standing]
    limits: list[Limit]


class ExampleQuestions(BaseModel):
    """Questions that a base's own text answers."""

    questions: list[str]


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
    bases = named or visible_bases(service, caller)
    return service.app.search.search(asked.question, bases, asked.k, asked.only.filter(), asked.mode)


def _explain(asked: Explain, base: KnowledgeBase, service: Service) -> Explanation:
    explaining = service.app.search.explainer(base, asked.k)
    found = explaining.explain(asked.question, asked.chunk_id, asked.only.filter(), asked.mode)
    return Explanation(**explanation_json(found))


def _questions(base: KnowledgeBase, service: Service, count: int) -> ExampleQuestions:
    rows = service.app.catalog.documents(base).chunks
    ids = rows.vector_ids()
    step = max(1, len(ids) // _CHUNKS_ASKED)
    chunks = list(rows.by_vector(ids[::step][:_CHUNKS_ASKED]).values())
    return ExampleQuestions(questions=[made.case.question for made in make_questions(chunks, count, 0)])

"""What `/api/v1` takes and gives."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from kb_server.domain import Filter, SearchMode, SplitBy
from kb_server.services.knowledge_bases import LONGEST_DESCRIPTION

_LONGEST_QUESTION = 8000


def speakable(text: str) -> str:
    """Take out what no database can store, and refuse what is then empty."""
    cleaned = text.encode("utf-8", "replace").decode("utf-8").replace("\0", "").strip()
    if not cleaned:
        raise ValueError("must not be empty")
    return cleaned


Question = Annotated[str, Field(max_length=_LONGEST_QUESTION), AfterValidator(speakable)]
BaseName = Annotated[str, Field(min_length=1, max_length=128)]
Description = Annotated[str, Field(max_length=LONGEST_DESCRIPTION)]
Label = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(speakable)]


def example(**values: Any) -> ConfigDict:  # noqa: ANN401 - JSON
    """Return the configuration of a model that shows this in the API's description."""
    return ConfigDict(json_schema_extra={"examples": [values]})


class Taken(BaseModel):
    """A request's body: a key it does not know is an error, not overlooked."""

    model_config = ConfigDict(extra="forbid")


class SplittingChange(Taken):
    """How documents are cut, where that is to be otherwise: tokens of a chunk, tokens that neighbours share."""

    model_config = example(size=300, overlap=40)

    size: Annotated[int, Field(ge=20, le=4000)] | None = None
    overlap: Annotated[int, Field(ge=0, le=4000)] | None = None
    by: SplitBy | None = None
    delimiter: Annotated[str, Field(max_length=100)] | None = None

    def change(self) -> dict[str, Any]:
        """Return it as the application takes it."""
        return self.model_dump(exclude_none=True)


class Splitting(BaseModel):
    """How documents that come in are cut."""

    size: int
    overlap: int
    by: SplitBy
    delimiter: str


class NewBase(Taken):
    """A knowledge base to make."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "handbook", "description": "Rules for travel and expenses"}]}
    )

    name: BaseName
    store: str | None = None
    embedder: str | None = None
    description: Description = ""
    splitting: SplittingChange = SplittingChange()


class BaseChange(Taken):
    """What a base is about, in place of what was said before."""

    model_config = example(description="Rules for travel and expenses, 2026")

    description: Description


class Base(BaseModel):
    """A knowledge base; `description` says in a person's words what it is about."""

    name: str
    description: str
    store: str
    embedder: str
    documents: int
    chunks: int
    splitting: Splitting
    created: datetime


class Bases(BaseModel):
    """Knowledge bases by name."""

    knowledge_bases: list[Base]


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


class File(BaseModel):
    """A file of a job, and why it failed."""

    name: str
    size: int
    state: Literal["queued", "done", "failed", "cancelled"]
    reason: str | None


class Job(BaseModel):
    """A job: `files` counts them by state, `error` says why the whole job waits or failed.

    One that is not about files is at `done` of `total` and leaves a `result`.
    """

    id: str
    kind: Literal["ingest", "fetch", "evaluate", "reindex", "migrate", "knn", "questions"]
    knowledge_base: str
    state: Literal["queued", "running", "cancelling", "done", "failed", "cancelled"]
    error: str | None
    created: datetime
    finished: datetime | None
    files: dict[str, int]
    done: int
    total: int
    result: dict[str, Any] | None


class JobDetail(Job):
    """A job with each of its files."""

    details: list[File]


class Jobs(BaseModel):
    """Jobs, newest first."""

    jobs: list[Job]


class Chunk(BaseModel):
    """A chunk of a document; offsets count characters of the document's text.

    The text of an `edited` one is a person's wording of what stands there.
    """

    chunk_id: int
    document: str
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


class Pages(Taken):
    """Addresses of web pages to fetch and ingest, and how many links of the same site to follow from each."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"addresses": ["https://example.org/handbook"]}]})

    addresses: Annotated[list[Annotated[str, Field(min_length=1, max_length=2000)]], Field(min_length=1, max_length=50)]
    depth: Annotated[int, Field(ge=0, le=3)] = 0


class Reindex(Taken):
    """The embedding model to go over to, or how documents are to be cut.

    A document with edited or disabled chunks keeps its chunks when others are cut anew, unless `drop_edits`.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"embedder": "all-MiniLM-L6-v2"}, {"splitting": {"size": 300}, "drop_edits": False}]
        }
    )

    embedder: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    splitting: SplittingChange | None = None
    drop_edits: bool = False

    @model_validator(mode="after")
    def _one_change(self) -> Self:
        if (self.embedder is None) == (self.splitting is None):
            raise ValueError("give either embedder or splitting, one after the other")
        return self


class Migrate(Taken):
    """The store to go over to."""

    model_config = example(store="milvus")

    store: Annotated[str, Field(min_length=1, max_length=32)]


class Chunks(BaseModel):
    """A page of a document's chunks, in reading order."""

    chunks: list[KeptChunk]
    total: int


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
    also: list[Place] = []
    score: float
    stages: dict[str, float]


PageNumber = Annotated[int, Field(ge=1, le=1_000_000)]


class Only(Taken):
    """Which documents to look in, and which pages (first, last) of them; empty: all.

    `since` and `until` bound when a document's present version came in.
    """

    documents: Annotated[list[str], Field(max_length=1000)] = []
    folder: Annotated[str, Field(max_length=1000)] = ""
    tags: Annotated[list[str], Field(max_length=100)] = []
    pages: tuple[PageNumber, PageNumber] | None = None
    since: datetime | None = None
    until: datetime | None = None

    def filter(self) -> Filter:
        """Return it as the services take it."""
        tags = tuple(self.tags)
        return Filter(tuple(self.documents), self.folder, tags, self.pages, _utc(self.since), _utc(self.until))


def _utc(time: datetime | None) -> datetime | None:
    """Return the time in UTC without a zone, as the catalog keeps it; one that names no zone is UTC."""
    return time.astimezone(UTC).replace(tzinfo=None) if time and time.tzinfo else time


class Search(Taken):
    """A search in one or several bases; without any, in all that the key is for."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"knowledge_bases": ["handbook"], "question": "Who signs travel requests?"}]}
    )

    knowledge_bases: Annotated[list[BaseName], Field(max_length=50)] = []
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


class AuditEntry(BaseModel):
    """Who (a key's id) tried what, and how it ended: `ok` or an error's code."""

    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    outcome: str


class AuditPage(BaseModel):
    """Audit entries, newest first."""

    entries: list[AuditEntry]


class Me(BaseModel):
    """Who the key is."""

    id: str
    scope: str
    knowledge_bases: list[str] | None


class Health(BaseModel):
    """Whether the service works."""

    status: Literal["ok"]
    version: str


class Problem(BaseModel):
    """An error: problem details (RFC 9457) with a code for programs and a hint for people."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    hint: str
    request_id: str
    errors: list[dict[str, str]] = []

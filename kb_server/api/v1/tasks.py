"""What takes long and is therefore a job: fetching pages, embedding or cutting a base again, another store."""

from typing import Annotated, Any, Self

from fastapi import APIRouter
from pydantic import ConfigDict, Field, model_validator

from kb_server.access.keys import Scope
from kb_server.api.auth import CurrentBase, CurrentCaller, audited
from kb_server.api.fields import Taken, example
from kb_server.api.service import CurrentService
from kb_server.api.v1.bases import SplittingChange, refuse_unknown_embedder
from kb_server.api.v1.jobs import JobDetail, job_json
from kb_server.catalog.jobs import JobKind
from kb_server.config.registry import find_backend
from kb_server.core.errors import AlreadyExists, Forbidden
from kb_server.ingest.web.address import parse_url


class Pages(Taken):
    """Addresses of web pages to fetch and ingest, and how many links of the same site to follow from each."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"addresses": ["https://example.org/handbook"]}]})

    addresses: Annotated[list[Annotated[str, Field(min_length=1, max_length=2000)]], Field(min_length=1, max_length=50)]
    depth: Annotated[int, Field(ge=0, le=3)] = 0


class Reindex(Taken):
    """The embedding model to go over to, or how documents are to be cut.

    A document with edited or disabled chunks keeps its chunks when others are cut again, unless `drop_edits`.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"embedder": "multilingual-e5-small"}, {"splitting": {"size": 300}, "drop_edits": False}]
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


router = APIRouter(prefix="/api/v1/knowledge-bases/{base}", tags=["tasks"])


@router.post("/pages", status_code=202, dependencies=[audited("pages.fetch", Scope.WRITE)])
def fetch_pages(asked: Pages, base: CurrentBase, service: CurrentService, caller: CurrentCaller) -> JobDetail:
    """Fetch pages from public addresses, as robots.txt allows, and ingest them; returns the job."""
    if not service.app.settings.service.fetch_pages:
        raise Forbidden("This service fetches no pages.", "Save the page and upload the file.")
    for address in asked.addresses:
        parse_url(address)
    job = service.app.jobs.submit_pages(base.id, caller.id, asked.addresses, asked.depth)
    return job_json(job, service.app.jobs.files(job.id))


@router.post("/reindex", status_code=202, dependencies=[audited("base.reindex", Scope.ADMIN)])
def reindex(asked: Reindex, base: CurrentBase, service: CurrentService, caller: CurrentCaller) -> JobDetail:
    """Embed the base with another model, or cut its documents again, while the old index answers; returns the job."""
    refuse_unknown_embedder(service, caller, asked.embedder)
    request: dict[str, Any] = {"embedder": asked.embedder}
    if asked.splitting:
        change = asked.splitting.change()
        service.app.ingest.splitting(base, change)
        request = {"splitting": change, "drop_edits": asked.drop_edits}
    job = service.app.jobs.submit_task(base.id, caller.id, JobKind.REINDEX, request)
    return job_json(job, [])


@router.post("/migrate", status_code=202, dependencies=[audited("base.migrate", Scope.ADMIN)])
def migrate(asked: Migrate, base: CurrentBase, service: CurrentService, caller: CurrentCaller) -> JobDetail:
    """Move the base's vectors to another store while the old one answers; returns the job."""
    find_backend("store", asked.store)
    if base.store == asked.store:
        raise AlreadyExists(f"The vectors of '{base.name}' are in {base.store} already.", "Name another store.")
    job = service.app.jobs.submit_task(base.id, caller.id, JobKind.MIGRATE, {"store": asked.store})
    return job_json(job, [])

"""What takes long and is therefore a job: fetching pages, embedding or cutting a base anew, another store."""

from typing import Any

from fastapi import APIRouter

from kb_server.api.models import refuse_unknown_embedder
from kb_server.api.routes.jobs import job_json
from kb_server.api.schemas import JobDetail, Migrate, Pages, Reindex
from kb_server.api.service import CurrentBase, CurrentCaller, CurrentService, audited
from kb_server.catalog.jobs import JobKind
from kb_server.errors import AlreadyExists, Forbidden
from kb_server.registry import find_backend
from kb_server.services.keys import Scope
from kb_server.web.address import parse_url

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
    """Embed the base with another model, or cut its documents anew, while the old index answers; returns the job."""
    refuse_unknown_embedder(service, caller, asked.embedder)
    request: dict[str, Any] = {"embedder": asked.embedder}
    if asked.splitting:
        change = asked.splitting.change()
        service.app.splitting(base, change)
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

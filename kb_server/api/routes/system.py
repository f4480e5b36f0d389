"""How the service fares: models, memory, queues."""

from pathlib import Path

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool

from kb_server import __version__
from kb_server.api.models import known_embedders
from kb_server.api.process import resident_bytes
from kb_server.api.service import CurrentCaller, CurrentService, Service
from kb_server.api.system_schemas import Memory, Model, Models, Queue, System
from kb_server.catalog.jobs import JobState
from kb_server.generation.local_models import local_models
from kb_server.generation.memory import free_memory
from kb_server.services.keys import Caller, Scope

router = APIRouter(prefix="/api/v1", tags=["system"])


@router.get("/models")
def list_models(service: CurrentService, caller: CurrentCaller) -> Models:
    """List the models that are found, which are in use, and which are loaded in this process."""
    return Models(embedders=_embedders(service, caller), generators=_generators(service))


@router.get("/system")
async def get_system(service: CurrentService, caller: CurrentCaller) -> System:
    """Return versions, memory, disk, queues and jobs. For administrators."""
    caller.require(Scope.ADMIN)
    return await run_in_threadpool(_system, service)


def _embedders(service: Service, caller: Caller) -> list[Model]:
    chosen = service.app.settings.embedding.model
    names = known_embedders(service, caller)
    loaded = service.app.loaded_embedders()
    return [Model(name=name, chosen=name == chosen, loaded=name in loaded) for name in sorted(names)]


def _generators(service: Service) -> list[Model]:
    chosen = Path(service.app.settings.generation.model).name
    names = {chosen, *(model.name for model in local_models())}
    loaded = service.app.generator_is_made
    return [Model(name=name, chosen=name == chosen, loaded=loaded and name == chosen) for name in sorted(names)]


def _system(service: Service) -> System:
    lanes = (service.searches, service.chats)
    return System(
        version=__version__,
        memory=Memory(process_bytes=resident_bytes(), free_bytes=free_memory("cpu")),
        disk_free_bytes=service.app.free_disk(),
        queues=[
            Queue(name=lane.name, running=lane.running, waiting=lane.waiting, places=lane.places) for lane in lanes
        ],
        jobs=service.app.jobs.counts((JobState.QUEUED, JobState.RUNNING, JobState.CANCELLING)),
    )

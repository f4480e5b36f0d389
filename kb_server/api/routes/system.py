"""How the service fares: models, memory, queues."""

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool

from kb_server import __version__
from kb_server.api.models import known_embedders
from kb_server.api.process import resident_bytes
from kb_server.api.service import CurrentCaller, CurrentService, Service
from kb_server.api.system_schemas import LanguageModel, Memory, Model, Models, Queue, System
from kb_server.catalog.jobs import JobState
from kb_server.generation.local_models import local_models
from kb_server.generation.memory import free_memory
from kb_server.services.keys import Caller, Scope

router = APIRouter(prefix="/api/v1", tags=["system"])


@router.get("/models")
def list_models(service: CurrentService, caller: CurrentCaller) -> Models:
    """List the models that are found, in use and loaded in this process; and the models and prompts for questions."""
    prompts = service.app.prompts.names()
    return Models(embedders=_embedders(service, caller), generators=_generators(service), prompts=prompts)


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


def _generators(service: Service) -> list[LanguageModel]:
    askable, loaded = service.app.settings.generation.names, service.app.loaded_generators()
    names = sorted({*askable, *(model.name for model in local_models())})
    return [
        LanguageModel(name=name, chosen=name == askable[0], loaded=name in loaded, askable=name in askable)
        for name in names
    ]


def _system(service: Service) -> System:
    return System(
        version=__version__,
        memory=Memory(process_bytes=resident_bytes(), free_bytes=free_memory("cpu")),
        disk_free_bytes=service.app.free_disk(),
        queues=[
            Queue(name=lane.name, running=lane.running, waiting=lane.waiting, places=lane.places)
            for lane in service.lanes
        ],
        jobs=service.app.jobs.counts((JobState.QUEUED, JobState.RUNNING, JobState.CANCELLING)),
    )

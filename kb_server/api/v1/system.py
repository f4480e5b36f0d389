"""How the service fares: models, memory, queues."""

import os
import resource
import sys
from pathlib import Path

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from kb_server import __version__
from kb_server.access.keys import Caller, Scope
from kb_server.api.auth import CurrentCaller
from kb_server.api.service import CurrentService, Service
from kb_server.api.v1.bases import known_embedders
from kb_server.catalog.jobs import JobState
from kb_server.llm.local_models import local_models
from kb_server.llm.weights.memory import free_memory

_STATM = Path("/proc/self/statm")


def resident_bytes() -> int:
    """Return the bytes of this process in memory; where the system does not say so, the most there ever were."""
    if _STATM.is_file():
        return int(_STATM.read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


class Model(BaseModel):
    """A model by name: `chosen` in the settings, `loaded` in the process that answers this."""

    name: str
    chosen: bool
    loaded: bool


class LanguageModel(Model):
    """A model that writes; an `askable` one may be named in a question."""

    askable: bool


class Models(BaseModel):
    """Models of each sort, and the prompts that a question may name, by name."""

    embedders: list[Model]
    generators: list[LanguageModel]
    prompts: list[str]


class Memory(BaseModel):
    """Bytes that this process has in memory, and that the machine could still give."""

    process_bytes: int
    free_bytes: int


class Queue(BaseModel):
    """Work that runs and waits; beyond `places` of both together requests are refused with 503."""

    name: str
    running: int
    waiting: int
    places: int


class System(BaseModel):
    """How the service fares; `jobs` counts the unfinished ones by state."""

    version: str
    memory: Memory
    disk_free_bytes: int
    queues: list[Queue]
    jobs: dict[str, int]


router = APIRouter(prefix="/api/v1", tags=["system"])


@router.get("/models")
def list_models(service: CurrentService, caller: CurrentCaller) -> Models:
    """List the models that are found, in use and loaded in this process; and the models and prompts for questions."""
    prompts = service.app.answering.prompts.names()
    return Models(embedders=_embedders(service, caller), generators=_generators(service), prompts=prompts)


@router.get("/system")
async def get_system(service: CurrentService, caller: CurrentCaller) -> System:
    """Return versions, memory, disk, queues and jobs. For administrators."""
    caller.require(Scope.ADMIN)
    return await run_in_threadpool(_system, service)


def _embedders(service: Service, caller: Caller) -> list[Model]:
    chosen = service.app.settings.embedding.model
    names = known_embedders(service, caller)
    loaded = service.app.models.loaded_embedders()
    return [Model(name=name, chosen=name == chosen, loaded=name in loaded) for name in sorted(names)]


def _generators(service: Service) -> list[LanguageModel]:
    askable, loaded = service.app.settings.generation.names, service.app.models.loaded_generators()
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
            Queue(name=one.name, running=one.running, waiting=one.waiting, places=one.places)
            for one in service.executors
        ],
        jobs=service.app.jobs.counts((JobState.QUEUED, JobState.RUNNING, JobState.CANCELLING)),
    )

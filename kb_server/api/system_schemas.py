"""What the routes about the service itself give."""

from pydantic import BaseModel


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

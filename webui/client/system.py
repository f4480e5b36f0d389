"""How the service fares."""

from collections.abc import Sequence
from datetime import datetime

from webui.client.connection import Connection, Shape

ROOT = "/api/v1/keys"


class Key(Shape):
    """A key without its secret; `knowledge_bases` None: all."""

    id: str
    name: str
    scope: str
    knowledge_bases: list[str] | None
    created: datetime
    revoked: datetime | None


class Keys:
    """All keys of the service."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self) -> list[Key]:
        """Return them by name."""
        return [Key.model_validate(one) for one in self._connection.get(ROOT)["keys"]]

    def create(self, name: str, scope: str, bases: Sequence[str]) -> str:
        """Make one and return it, this once."""
        body = {"name": name, "scope": scope, "knowledge_bases": list(bases) or None}
        key: str = self._connection.post(ROOT, body)["key"]
        return key

    def revoke(self, key_id: str) -> None:
        """Make one invalid at once."""
        self._connection.delete(f"{ROOT}/{key_id}")


class Model(Shape):
    """A model by name."""

    name: str
    chosen: bool
    loaded: bool


class LanguageModel(Model):
    """A model that writes; an `askable` one may be named in a question."""

    askable: bool = False


class Models(Shape):
    """Models of each sort, and the prompts that a question may name."""

    embedders: list[Model]
    generators: list[LanguageModel]
    prompts: tuple[str, ...] = ()


class Memory(Shape):
    """Bytes that the service has in memory, and that the machine could still give."""

    process_bytes: int
    free_bytes: int


class Queue(Shape):
    """Work that runs and waits; beyond `places` of both together the service is busy."""

    name: str
    running: int
    waiting: int
    places: int


class Status(Shape):
    """How the service fares; `jobs` counts the unfinished ones by state."""

    version: str
    memory: Memory
    disk_free_bytes: int
    queues: list[Queue]
    jobs: dict[str, int]


class System:
    """The service itself."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def models(self) -> Models:
        """Return the models that are found."""
        return Models.model_validate(self._connection.get("/api/v1/models"))

    def status(self) -> Status:
        """Return memory, queues and jobs; for administrators."""
        return Status.model_validate(self._connection.get("/api/v1/system"))

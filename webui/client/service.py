"""The service as the page sees it."""

from functools import cached_property
from typing import Any, Literal

from webui.client.answers import Answer
from webui.client.bases import Bases, Datastores
from webui.client.chat import AnswerStream
from webui.client.chunks import Chunks
from webui.client.connection import Connection, Shape
from webui.client.conversations import Conversations
from webui.client.documents import Documents
from webui.client.evaluations import Evaluations
from webui.client.jobs import Jobs
from webui.client.search import Search
from webui.client.snapshots import Snapshots
from webui.client.system import Keys, System
from webui.client.temporary import TemporaryFiles

_LONG = 600.0
_SCOPES = ("read", "write", "admin")


class Me(Shape):
    """Who the key is; `knowledge_bases` is None for all."""

    id: str
    scope: Literal["read", "write", "admin"]
    knowledge_bases: list[str] | None

    def may(self, scope: Literal["read", "write", "admin"]) -> bool:
        """Say whether the key has at least this scope."""
        return _SCOPES.index(self.scope) >= _SCOPES.index(scope)

    @property
    def may_create(self) -> bool:
        """Say whether the key may make and delete bases."""
        return self.scope == "admin" and self.knowledge_bases is None


class Service:
    """Every resource, with one key."""

    def __init__(self, url: str, key: str) -> None:
        self.url, self.key = url, key
        self._connection = Connection(url, key)
        self.bases = Bases(self._connection)
        self.jobs = Jobs(self._connection)
        self.search = Search(self._connection)
        self.temporary = TemporaryFiles(self._connection)
        self.keys = Keys(self._connection)
        self.system = System(self._connection)
        self.conversations = Conversations(self._connection)

    @cached_property
    def me(self) -> Me:
        """Who the key is; raises SignedOut for one that is not valid."""
        return Me.model_validate(self._connection.get("/api/v1/me"))

    def documents(self, base: str) -> Documents:
        """Return a base's documents."""
        return Documents(self._connection, base)

    def chunks(self, base: str) -> Chunks:
        """Return a base's chunks."""
        return Chunks(self._connection, base)

    def snapshots(self, base: str) -> Snapshots:
        """Return a base's snapshots."""
        return Snapshots(self._connection, base)

    def evaluations(self, base: str) -> Evaluations:
        """Return a base's questions and runs."""
        return Evaluations(self._connection, base)

    def datastores(self, base: str) -> Datastores:
        """Return a base's kNN-LM datastores."""
        return Datastores(self._connection, base)

    def ask(self, body: dict[str, Any]) -> AnswerStream:
        """Ask a question."""
        return AnswerStream(self._connection, body)

    def answer(self, body: dict[str, Any]) -> Answer:
        """Ask a question and wait for the whole answer."""
        return Answer.model_validate(self._connection.post("/api/v1/chat", {**body, "stream": False}, _LONG))

    def original(self, base: str, document: str) -> bytes:
        """Return a document's bytes as they were uploaded, by its name."""
        return self._connection.content("/knowledge_base/download_doc", knowledge_base_name=base, file_name=document)

    def ready(self) -> None:
        """Raise Away or Busy unless the service takes work."""
        self._connection.get("/health/ready")

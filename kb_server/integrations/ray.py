"""Bulk ingestion on Ray: files are read and embedded wherever there are processors, and written here.

Ray stands behind two ports: what loads files and what embeds passages. All else is the ordinary ingestion in this
process, so a document is written once, whatever becomes of the workers: Ray gives the work of a lost one to another,
and only what comes back is written. File contents travel to the workers; they need no folder of ours.
"""

import json
import logging
import os
import socket
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kb_server.config.registry import find_backend
from kb_server.config.settings import Settings
from kb_server.core.domain import Document
from kb_server.core.errors import ClusterFailed, KbError, LoadError, MissingExtra, ModelMismatch
from kb_server.core.ports import Embedder, Vectors
from loaders.isolate.worker import pack, unpack

if TYPE_CHECKING:
    from kb_server.app import Application

INSTALL = "Run: pip install 'kb-server[ray]'"
LOCAL = "local"
_SECONDS = 10.0  # to reach a cluster
_TRIES = 5  # of one piece of work whose workers are lost, besides the first


class RayCluster:
    """A connection to the Ray cluster at `address`, or to one on this machine for `local`; `close` ends it.

    Raises MissingExtra without the package, ClusterFailed if the cluster cannot be reached.
    """

    def __init__(self, address: str, settings: Settings) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray would report to its makers
        try:
            import ray
        except ImportError as error:
            raise MissingExtra("Bulk ingestion needs the package 'ray'.", INSTALL) from error
        self._ray: Any = ray  # its types differ between machines that have it and those that do not
        place = {"include_dashboard": False} if address == LOCAL else {"address": address}
        try:
            _knock(address)
            ray.init(**place, log_to_driver=False, logging_level=logging.ERROR, ignore_reinit_error=True)
        except (ConnectionError, OSError, RuntimeError, ValueError) as error:
            raise ClusterFailed(
                f"The Ray cluster '{address}' cannot be reached: {str(error).splitlines()[0]}",
                "Start one with `ray start --head`, or leave the address out to use this machine.",
            ) from error
        self._values = _one_thread(settings).model_dump()
        remote = ray.remote(num_cpus=1, max_retries=_TRIES, scheduling_strategy="SPREAD")
        self._load_there, self._embed_there = remote(_load), remote(_embed)

    @property
    def processors(self) -> int:
        """Processors of the whole cluster."""
        resources: dict[str, float] = self._ray.cluster_resources()
        return max(int(resources.get("CPU", 1)), 1)

    def load(self, path: Path, name: str, on_page: Callable[[int, int], None]) -> Document:  # noqa: ARG002 - no pages
        """Read a file on a worker; raises LoadError as `loaders.load` does, and if its workers are lost every time."""
        try:
            kind, *values = self._ray.get(self._load_there.remote(self._values, path.read_bytes(), name))
        except self._ray.exceptions.RayError as error:
            raise LoadError(f"'{name}' was not read: {_reason(error)}", "Run the same command again.") from error
        if kind == "refused":
            raise LoadError(*values)
        return unpack(*values)

    def embedder(self, local: Embedder, model: str) -> "RayEmbedder":
        """Return an embedder that computes on the workers what `local` would."""
        return RayEmbedder(local, lambda texts: self._embedded(model, local.fingerprint, texts))

    def close(self) -> None:
        """Disconnect; a cluster on this machine ends."""
        self._ray.shutdown()

    def _embedded(self, model: str, fingerprint: str, texts: Sequence[str]) -> Vectors:
        try:
            there, vectors = self._ray.get(self._embed_there.remote(self._values, model, list(texts)))
        except self._ray.exceptions.RayError as error:
            raise _own(error) or ClusterFailed(
                f"Passages were not embedded: {_reason(error)}", "What was committed stays; run the same command again."
            ) from error
        if there != fingerprint:
            raise ModelMismatch(
                f"A Ray worker has another '{model}' ({there}; here {fingerprint}).", "Put the same model everywhere."
            )
        found: Vectors = vectors
        return found


class RayEmbedder:
    """An Embedder whose passages are embedded on Ray; questions and what is said of the model stay here."""

    def __init__(self, local: Embedder, embed: Callable[[Sequence[str]], Vectors]) -> None:
        self._local = local
        self._embed = embed

    @property
    def name(self) -> str:
        """What users call the model."""
        return self._local.name

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._local.dimension

    @property
    def fingerprint(self) -> str:
        """That of the model here; every worker's must be the same."""
        return self._local.fingerprint

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Embed texts on one worker: float32 [n, dimension]; raises ClusterFailed, ModelMismatch."""
        return self._embed(texts) if texts else self._local.embed_passages([])

    def embed_query(self, text: str) -> Vectors:
        """Embed a question here: float32 [dimension]."""
        return self._local.embed_query(text)


def _knock(address: str) -> None:
    """Raise OSError at once where nobody listens: Ray itself would try for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host, int(port)), _SECONDS).close()


def _one_thread(settings: Settings) -> Settings:
    """Let an embedder inside a worker compute on one processor: so many does Ray count for a piece of work."""
    backend = find_backend("embedder", settings.embedding.backend)
    if "threads" not in signature(backend).parameters:
        return settings
    return settings.model_copy(update={"embedding": settings.embedding.model_copy(update={"threads": 1})})


def _own(error: Exception) -> KbError | None:
    """Return the error of ours that a worker met, if it was one."""
    cause = getattr(error, "cause", None)
    return cause if isinstance(cause, KbError) else None


def _reason(error: Exception) -> str:
    return f"{type(error).__name__} after {_TRIES + 1} tries or more."


def _load(values: Mapping[str, Any], data: bytes, name: str) -> list[Any]:
    """Read a file on a worker; what comes back is what JSON can hold, see `loaders.isolate.worker`."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        try:
            return ["document", *pack(_application(_key(values)).ingest.load(Path(file.name), name, lambda *_: None))]
        except LoadError as error:
            return ["refused", error.message, error.hint]


def _embed(values: Mapping[str, Any], model: str, texts: Sequence[str]) -> tuple[str, Vectors]:
    """Embed on a worker; the fingerprint says with what."""
    embedder = _application(_key(values)).models.embedder(model)
    return embedder.fingerprint, embedder.embed_passages(texts)


_SETTINGS: dict[str, Mapping[str, Any]] = {}  # of this worker, by key: secrets cannot go through JSON


def _key(values: Mapping[str, Any]) -> str:
    key = json.dumps(values, default=repr, sort_keys=True)
    _SETTINGS[key] = values
    return key


@cache
def _application(key: str) -> "Application":
    """Return this worker's parts, made once: the embedder keeps its model."""
    from kb_server.app import Application

    return Application(Settings(**_SETTINGS[key]))

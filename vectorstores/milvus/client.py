"""A connection to Milvus that is made when first needed, tried again with growing pauses, and explains its failures."""

import logging
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from kb_server.core.errors import Busy, MissingExtra, StorageError, StoreUnavailable

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0  # seconds
_NO_CONNECTION = 2  # pymilvus's code for "Fail connecting to server"
_UNAVAILABLE = ("UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED")  # gRPC's codes of a server that is away
_NOT_READY = (56, 57)  # of a server that is starting; in the older field: the newer one has 1, as for any fault
# What gRPC and pymilvus say of a client that another thread has closed after a failure; they give it no code.
_CLOSED = ("on closed channel", "should create connection first")

# A ping every ten seconds, as pymilvus has it, is too many for a server of gRPC's own defaults, which then hangs up.
# After a failure gRPC itself waits up to two minutes before it looks again; how long to wait is our caller's to say.
_OPTIONS = {
    "grpc_options": {
        "grpc.keepalive_time_ms": 300_000,
        "grpc.keepalive_permit_without_calls": False,
        "grpc.initial_reconnect_backoff_ms": 100,
        "grpc.max_reconnect_backoff_ms": 1_000,
    }
}

_lite_users: Counter[str] = Counter()  # Milvus Lite folders open in this process, and by how many connections
_lite_lock = Lock()


@dataclass(frozen=True, slots=True)
class MilvusPlace:
    """Where Milvus is and how to get in; `uri` of Milvus Lite is a path that ends in .db."""

    uri: str
    token: str
    database: str
    ca: str
    timeout: float

    @property
    def lite(self) -> bool:
        """Whether it is a local folder."""
        return "://" not in self.uri

    @property
    def shown(self) -> str:
        """The address without a password."""
        return self.uri if self.lite else (urlsplit(self.uri).hostname or self.uri)


class MilvusConnection:
    """One client, on which `prepare` is called whenever it is made again; threads may share it."""

    def __init__(self, place: MilvusPlace, prepare: Callable[[Any], None]) -> None:
        self._place = place
        self._prepare = prepare
        self._client: Any = None
        self._lock = Lock()

    def call(self, action: Callable[[Any], Any]) -> Any:  # noqa: ANN401 - pymilvus has no types
        """Run an action that may be repeated; raises StoreUnavailable, Busy, or StorageError with Milvus's reason."""
        from_now = time.monotonic()
        pause = _FIRST_PAUSE
        while True:
            try:
                return self._once(action)
            except (Busy, StoreUnavailable):
                if time.monotonic() - from_now + pause > self._place.timeout:
                    raise
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _once(self, action: Callable[[Any], Any]) -> Any:  # noqa: ANN401
        failures = _failures()
        try:
            return action(self._connected())
        except failures as error:
            if _is_away(error):
                self.close()
                raise self._unavailable(error) from error
            if isinstance(error, ValueError):
                raise
            raise StorageError(
                f"Milvus at {self._place.shown} refused the request: {_reason(error)}.",
                "Check the settings under `store.milvus`; what was committed is intact.",
            ) from error

    def close(self) -> None:
        """Close the client, and Milvus Lite when no other connection of this process uses its folder."""
        with self._lock:
            if self._client is None:
                return
            self._client.close()
            self._client = None
        if self._place.lite:
            _release(self._place.uri)

    def _connected(self) -> Any:  # noqa: ANN401
        with self._lock:
            if self._client is None:
                self._client = self._lite_client() if self._place.lite else self._server_client()
                self._prepare(self._client)
            return self._client

    def _server_client(self) -> Any:  # noqa: ANN401
        place = self._place
        options = {"token": place.token, "db_name": place.database, "timeout": place.timeout, **_OPTIONS}
        if place.ca:
            options.update(secure=True, server_pem_path=place.ca)
        return _pymilvus().MilvusClient(uri=place.uri, **options)

    def _lite_client(self) -> Any:  # noqa: ANN401
        _refuse_foreign(Path(self._place.uri))
        module = _pymilvus()
        with _lite_lock:
            try:
                client = module.MilvusClient(uri=self._place.uri, **_OPTIONS)
            except module.exceptions.ConnectionConfigException as error:
                raise Busy(
                    f"The Milvus Lite folder '{self._place.uri}' cannot be opened: another process has it open, or it "
                    "cannot be read.",
                    "One process at a time can use it: stop the other, or use a Milvus server or the store faiss.",
                ) from error
            _lite_users[self._place.uri] += 1
        return client

    def _unavailable(self, error: Exception) -> StoreUnavailable:
        return StoreUnavailable(
            f"Milvus at {self._place.shown} does not answer ({_reason(error)}); what was committed there is intact.",
            "Start the server or check `store.milvus.uri`, and run the same command again.",
        )


def _release(uri: str) -> None:
    from milvus_lite.server_manager import server_manager_instance

    with _lite_lock:
        _lite_users[uri] -= 1
        if _lite_users[uri] <= 0:
            del _lite_users[uri]
            server_manager_instance.release_server(uri)


def _refuse_foreign(path: Path) -> None:
    """Say what is wrong before Milvus Lite does, which says only that opening failed."""
    if path.exists() and not path.is_dir():
        raise StorageError(
            f"'{path}' is a file, but Milvus Lite keeps a folder there: nothing in it can be read.",
            "Move it away and run `kb ingest` to make it again, or load an export with `kb import`.",
        )


def _is_away(error: Exception) -> bool:
    code = getattr(error, "code", None)
    name = getattr(code() if callable(code) else code, "name", "")
    if code == _NO_CONNECTION or name in _UNAVAILABLE or getattr(error, "compatible_code", None) in _NOT_READY:
        return True
    return any(text in str(error) for text in _CLOSED)


def _reason(error: Exception) -> str:
    text = str(getattr(error, "message", "") or error)
    return " ".join(text.split())[:300]


def _failures() -> tuple[type[Exception], ...]:
    import grpc

    return (_pymilvus().exceptions.MilvusException, grpc.RpcError, ValueError)


def _pymilvus() -> Any:  # noqa: ANN401
    try:
        import pymilvus
    except ImportError as error:
        message = f"The store 'milvus' needs a package that cannot be imported: {error}."
        raise MissingExtra(message, "pip install 'kb-server[milvus]'") from error
    # They log whole tracebacks of what is raised anyway, and explained by us.
    for name in ("pymilvus", "milvus_lite", "grpc"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return pymilvus

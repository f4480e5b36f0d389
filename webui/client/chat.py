"""Answers that stream in. A thread reads them, so that one can be stopped even before its first word."""

import queue
import socket
from collections.abc import Iterator
from threading import Event, Thread
from typing import Any, NamedTuple

import httpx

from webui.client.answers import events
from webui.client.connection import Connection
from webui.client.errors import ServiceError

_LOOK_SECONDS = 0.25


class PastMessage(NamedTuple):
    """An event: `retrieved`, `token`, `step`, `done` or `waiting`, which says only that nothing came for a while."""

    name: str
    data: dict[str, Any]


class AnswerStream:
    """The events of one answer. Leaving the `with` block stops the model too."""

    def __init__(self, connection: Connection, body: dict[str, Any]) -> None:
        self._connection = connection
        self._body = body
        self._queue: queue.Queue[PastMessage | ServiceError | None] = queue.Queue()
        self._stopped = Event()
        self._response: httpx.Response | None = None
        self._thread = Thread(target=self._read, name="answer", daemon=True)

    def __enter__(self) -> "AnswerStream":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        if self._response is not None and self._thread.is_alive():
            _cut(self._response)

    def __iter__(self) -> Iterator[PastMessage]:
        """Yield the events; raises ServiceError if the service could not answer."""
        while True:
            try:
                item = self._queue.get(timeout=_LOOK_SECONDS)
            except queue.Empty:
                yield PastMessage("waiting", {})
                continue
            if item is None:
                return
            if isinstance(item, ServiceError):
                raise item
            yield item

    def _read(self) -> None:
        try:
            with self._connection.streaming("/api/v1/chat", self._body) as response:
                self._response = response
                for name, data in events(response.iter_lines()):
                    if self._stopped.is_set():
                        return
                    self._queue.put(_failure(data) if name == "error" else PastMessage(name, data))
        except ServiceError as error:
            self._queue.put(error)
        finally:
            self._queue.put(None)


def _failure(data: dict[str, Any]) -> ServiceError:
    return ServiceError(str(data.get("code", "error")), str(data.get("message", "")), str(data.get("hint", "")))


def _cut(response: httpx.Response) -> None:
    """Wake the reading thread: closing a response from another thread would wait for it."""
    stream = response.extensions.get("network_stream")
    wire = stream.get_extra_info("socket") if stream else None
    if isinstance(wire, socket.socket):
        try:
            wire.shutdown(socket.SHUT_RDWR)
        except OSError:  # it ended by itself meanwhile
            return

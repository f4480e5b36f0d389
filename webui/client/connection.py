"""One way to the service, for every resource."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, BinaryIO

import httpx
from pydantic import BaseModel, ConfigDict

from webui.client.errors import Away, raise_for

_MOST_SECONDS = 60.0
_SECONDS = httpx.Timeout(_MOST_SECONDS, connect=3)
Files = Sequence[tuple[str, tuple[str, BinaryIO]]]


class Shape(BaseModel):
    """What the service gives; keys that the page does not know are passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True, protected_namespaces=())


class Connection:
    """Sends requests with a key. Raises ServiceError and its kinds."""

    def __init__(self, url: str, key: str) -> None:
        self.url = url
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}

    def get(self, path: str, **query: str | int | None) -> Any:  # noqa: ANN401 - JSON, checked by the resource's shape
        """Return the JSON at a path."""
        return self._send("GET", path, params=_given(query)).json()

    def post(self, path: str, body: Mapping[str, Any] | None = None, seconds: float = _MOST_SECONDS) -> Any:  # noqa: ANN401 - JSON
        """Send JSON and return what comes back; None if that is nothing."""
        return _json(self._send("POST", path, json=body, timeout=httpx.Timeout(seconds, connect=3)))

    def patch(self, path: str, body: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
        """Change a thing and return it."""
        return _json(self._send("PATCH", path, json=body))

    def put(self, path: str, body: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
        """Set a thing and return it."""
        return _json(self._send("PUT", path, json=body))

    def delete(self, path: str) -> Any:  # noqa: ANN401 - JSON
        """Delete a thing."""
        return _json(self._send("DELETE", path))

    def upload(self, path: str, files: Files, fields: Mapping[str, str] | None = None) -> Any:  # noqa: ANN401 - JSON
        """Send files and return what comes back."""
        return _json(self._send("POST", path, files=list(files), data=dict(fields or {}), timeout=600))

    def content(self, path: str, **query: str | int | None) -> bytes:
        """Return the bytes at a path."""
        return self._send("GET", path, params=_given(query)).content

    @contextmanager
    def streaming(self, path: str, body: Mapping[str, Any]) -> Iterator[httpx.Response]:
        """Send JSON and give the answer while it comes."""
        try:
            endless = httpx.Timeout(None, connect=3)
            with pool(self.url).stream("POST", path, json=body, headers=self._headers, timeout=endless) as response:
                if response.status_code >= 400:
                    response.read()
                    raise_for(response)
                yield response
        except httpx.TransportError as error:
            raise _away(self.url, error) from error

    def _send(self, method: str, path: str, **given: Any) -> httpx.Response:  # noqa: ANN401 - httpx's
        try:
            response = pool(self.url).request(method, path, headers=self._headers, **given)
        except httpx.TransportError as error:
            raise _away(self.url, error) from error
        raise_for(response)
        return response


@cache
def pool(url: str) -> httpx.Client:
    """Return the connections to an address, which all visits share; each request brings its own key."""
    return httpx.Client(base_url=url, timeout=_SECONDS, limits=httpx.Limits(max_connections=None), trust_env=False)


def _away(url: str, error: httpx.TransportError) -> Away:
    return Away("away", f"The service at {url} does not answer ({type(error).__name__}).", "Start it with: kb serve")


def _json(response: httpx.Response) -> Any:  # noqa: ANN401 - JSON
    return response.json() if response.content else None


def _given(query: Mapping[str, str | int | None]) -> dict[str, str | int]:
    return {name: value for name, value in query.items() if value is not None}

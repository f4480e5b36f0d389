"""What can go wrong between the page and the service.

ServiceError
├── Away        nobody answers at the address
├── Busy        429 or 503: come again after `seconds`
├── SignedOut   401: no key, or one that is not valid any more
└── NotThere    404
"""

from typing import Any

import httpx

_BUSY_SECONDS = 3


class ServiceError(Exception):
    """The service said no: `code` is for programs, `message` and `hint` are for people."""

    def __init__(self, code: str, message: str, hint: str = "", seconds: int = _BUSY_SECONDS) -> None:
        super().__init__(message)
        self.code, self.message, self.hint, self.seconds = code, message, hint, seconds


class Away(ServiceError):
    """Nobody answers."""


class Busy(ServiceError):
    """There is too much to do, or something the service needs is away for now."""


class SignedOut(ServiceError):
    """The key is not valid."""


class NotThere(ServiceError):
    """There is no such thing, or not for this key."""


_KINDS: dict[int, type[ServiceError]] = {401: SignedOut, 404: NotThere, 429: Busy, 503: Busy}


def raise_for(response: httpx.Response) -> None:
    """Raise what an answer of 400 or more says; its body must have been read."""
    if response.status_code < 400:
        return
    problem = _problem(response)
    seconds = response.headers.get("Retry-After", "")
    raise _KINDS.get(response.status_code, ServiceError)(
        str(problem.get("code", "error")),
        str(problem.get("detail") or problem.get("msg") or f"HTTP {response.status_code}"),
        str(problem.get("hint", "")),
        int(seconds) if seconds.isdigit() else _BUSY_SECONDS,
    )


def _problem(response: httpx.Response) -> dict[str, Any]:
    if "json" not in response.headers.get("Content-Type", ""):
        return {}
    found = response.json()
    return found if isinstance(found, dict) else {}

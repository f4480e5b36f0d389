"""Who is signed in. The browser holds a random mark in a cookie no script can read; the key stays in this process."""

import secrets
from dataclasses import dataclass, field
from functools import cache
from threading import Lock
from time import monotonic

COOKIE = "kb_page"
SECONDS = 30 * 24 * 3600
_TICKET_SECONDS = 60
_MOST = 10_000


@dataclass
class SessionKeys:
    """Marks of browsers and their keys; forgotten when the page's process ends."""

    _keys: dict[str, tuple[str, float]] = field(default_factory=dict)
    _tickets: dict[str, tuple[str, float]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def ticket(self, key: str) -> str:
        """Return a ticket for a key that was checked; it is good once, for a minute."""
        made = secrets.token_urlsafe(32)
        with self._lock:
            self._tickets[made] = (key, monotonic() + _TICKET_SECONDS)
        return made

    def waits(self, ticket: str) -> bool:
        """Say whether a ticket is still to be redeemed."""
        return self._tickets.get(ticket, ("", 0.0))[1] > monotonic()

    def redeem(self, ticket: str) -> str | None:
        """Turn a ticket into a browser's mark; None for one that is not good."""
        with self._lock:
            key, until = self._tickets.pop(ticket, ("", 0.0))
            if until < monotonic():
                return None
            mark = secrets.token_urlsafe(32)
            self._keys[mark] = (key, monotonic() + SECONDS)
            while len(self._keys) > _MOST:
                self._keys.pop(next(iter(self._keys)))
            return mark

    def key(self, mark: str) -> str | None:
        """Return the key of a browser's mark."""
        key, until = self._keys.get(mark, (None, 0.0))
        return key if until > monotonic() else None

    def forget(self, mark: str) -> None:
        """Sign a browser out."""
        self._keys.pop(mark, None)


@cache
def session_keys() -> SessionKeys:
    """Return those of this process."""
    return SessionKeys()

"""API keys: who calls, and what they may do."""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from kb_server.catalog.bases import Bases
from kb_server.catalog.keys import ApiKey, ApiKeys, Audit
from kb_server.core.errors import Forbidden, Unauthorized

_PREFIX = "kb"
_NOBODY = hashlib.sha256(b"").hexdigest()


class Scope(StrEnum):
    """What a key may do; each may also do what those before it may."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


_RANKS = {scope: rank for rank, scope in enumerate(Scope)}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: the key's id, its scope, and the ids of the bases it is for (None: all)."""

    id: str
    scope: Scope
    base_ids: tuple[str, ...] | None = None

    def may(self, scope: Scope) -> bool:
        """Say whether the key has at least this scope."""
        return _RANKS[self.scope] >= _RANKS[scope]

    def require(self, scope: Scope) -> None:
        """Raise Forbidden unless the key has at least this scope."""
        if not self.may(scope):
            raise Forbidden(
                f"This key has the scope '{self.scope}'; '{scope}' is needed.", "Use a key with that scope."
            )

    def sees(self, base_id: str) -> bool:
        """Say whether the key is for this base."""
        return self.base_ids is None or base_id in self.base_ids


LOCAL = Caller("local", Scope.ADMIN)
"""Who calls when keys are switched off."""


class Keys:
    """Makes, checks and revokes keys. A key is `kb_<id>_<secret>`; only the secret's sha256 is kept.

    The secret has 256 random bits, so a slow hash would protect nothing that a fast one does not.
    """

    def __init__(self, rows: ApiKeys, bases: Bases, audit: Audit) -> None:
        self._rows = rows
        self._bases = bases
        self._audit = audit

    def create(self, name: str, scope: Scope, bases: Sequence[str] | None = None, actor: str = "cli") -> str:
        """Return a new key, which can never be shown again. `bases` are names; None: all. Raises NotFound."""
        base_ids = None if bases is None else tuple(self._bases.find(base).id for base in bases)
        id_, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
        self._rows.add(id_, name, _digest(secret), scope, base_ids)
        self._audit.note(actor, "key.create", f"{id_} {scope} {name}")
        return f"{_PREFIX}_{id_}_{secret}"

    def create_first(self) -> str | None:
        """Return a key for the administrator if there has never been any."""
        return None if self._rows.count() else self.create("first", Scope.ADMIN, actor="start")

    def all(self) -> list[ApiKey]:
        """Return every key, revoked ones too."""
        return self._rows.all()

    def revoke(self, id_: str, actor: str = "cli") -> None:
        """Make a key invalid at once; raises NotFound."""
        self._rows.revoke(id_)
        self._audit.note(actor, "key.revoke", id_)

    def check(self, key: str) -> Caller:
        """Return who holds this key; raises Unauthorized, the same for whatever is wrong with it."""
        prefix, _, rest = key.partition("_")
        id_, _, secret = rest.partition("_")
        row = self._rows.find(id_) if prefix == _PREFIX and id_.isalnum() else None
        same = hmac.compare_digest(row.digest if row else _NOBODY, _digest(secret))
        if row is None or not same:
            raise Unauthorized("This API key is not valid.", "Make one with: kb keys create NAME")
        return Caller(row.id, Scope(row.scope), row.base_ids)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()

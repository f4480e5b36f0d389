"""API keys, for administrators of the whole service."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from kb_server.access.keys import Caller, Scope
from kb_server.api.auth import CurrentCaller, audited
from kb_server.api.fields import BaseName, Label, Taken
from kb_server.api.service import CurrentService, Service
from kb_server.api.v1.bases import refuse_restricted
from kb_server.catalog.keys import ApiKey
from kb_server.core.errors import UsageError


class NewKey(Taken):
    """A key to make; without `knowledge_bases` it is for all of them."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "my script", "scope": "write"}]})

    name: Label
    scope: Scope = Scope.READ
    knowledge_bases: Annotated[list[BaseName], Field(min_length=1, max_length=1000)] | None = None


class Key(BaseModel):
    """A key without its secret; `knowledge_bases` null: all."""

    id: str
    name: str
    scope: Scope
    knowledge_bases: list[str] | None
    created: datetime
    revoked: datetime | None


class MadeKey(Key):
    """A new key, with the one look at it there is."""

    key: str


class Keys(BaseModel):
    """Keys by name."""

    keys: list[Key]


router = APIRouter(prefix="/api/v1/keys", tags=["keys"])


@router.get("")
def list_keys(service: CurrentService, caller: CurrentCaller) -> Keys:
    """List the keys, revoked ones too; the secrets are not kept."""
    _require_keeper(caller)
    names = _base_names(service)
    return Keys(keys=[_key(one, names) for one in service.app.access.all()])


@router.post("", status_code=201, dependencies=[audited("key.create", Scope.ADMIN)])
def create_key(new: NewKey, service: CurrentService, caller: CurrentCaller) -> MadeKey:
    """Make a key. It is in this answer and can never be shown again."""
    _require_keeper(caller)
    key = service.app.access.create(new.name, new.scope, new.knowledge_bases, actor=caller.id)
    names, id_ = _base_names(service), key.split("_")[1]
    (made,) = [one for one in service.app.access.all() if one.id == id_]
    return MadeKey(key=key, **_key(made, names).model_dump())


@router.delete("/{key_id}", status_code=204, dependencies=[audited("key.revoke", Scope.ADMIN)])
def revoke_key(key_id: str, service: CurrentService, caller: CurrentCaller) -> Response:
    """Make a key invalid at once; nobody can lock themselves out with their own."""
    _require_keeper(caller)
    if key_id == caller.id:
        raise UsageError("This is the key you are calling with.", "Revoke it with another one, or with kb keys revoke.")
    service.app.access.revoke(key_id, actor=caller.id)
    return Response(status_code=204)


def _require_keeper(caller: Caller) -> None:
    caller.require(Scope.ADMIN)
    refuse_restricted(caller)


def _base_names(service: Service) -> dict[str, str]:
    return {base.id: base.name for base in service.app.bases.all()}


def _key(one: ApiKey, names: dict[str, str]) -> Key:
    bases = None if one.base_ids is None else [names[id_] for id_ in one.base_ids if id_ in names]
    return Key(
        id=one.id,
        name=one.name,
        scope=Scope(one.scope),
        knowledge_bases=bases,
        created=one.created,
        revoked=one.revoked,
    )

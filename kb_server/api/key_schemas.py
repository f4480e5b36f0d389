"""What the routes of API keys take and give."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from kb_server.api.schemas import BaseName, Label, Taken
from kb_server.services.keys import Scope


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

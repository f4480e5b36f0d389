"""What the routes of snapshots take and give."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from kb_server.api.schemas import Taken


class NewSnapshot(Taken):
    """A name for what a base holds now."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "before the clean-up"}]})

    name: Annotated[str, Field(min_length=1, max_length=64)]


class Snapshot(BaseModel):
    """What a base held at a moment."""

    name: str
    created: datetime
    documents: int
    chunks: int


class Snapshots(BaseModel):
    """Snapshots, the oldest first."""

    snapshots: list[Snapshot]


class Difference(BaseModel):
    """Names of documents that only the later state has, only the earlier has, and that changed between them."""

    added: list[str]
    removed: list[str]
    changed: list[str]


class Restored(Difference):
    """What a restore did, and the snapshot that undoes it."""

    undo: str

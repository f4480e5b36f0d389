"""Snapshots of a base: name what it holds, compare, go back."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from kb_server.access.keys import Scope
from kb_server.api.auth import CurrentBase, audited
from kb_server.api.fields import Taken
from kb_server.api.service import CurrentService


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


router = APIRouter(prefix="/api/v1/knowledge-bases/{base}/snapshots", tags=["snapshots"])

SnapshotName = Annotated[str, Path(max_length=200)]


@router.get("")
def list_snapshots(base: CurrentBase, service: CurrentService) -> Snapshots:
    """List the snapshots of a base, the oldest first."""
    found = service.app.bases.snapshots.all(base.name)
    return Snapshots(snapshots=[Snapshot.model_validate(one, from_attributes=True) for one in found])


@router.post("", status_code=201, dependencies=[audited("snapshot.create", Scope.WRITE)])
def create_snapshot(new: NewSnapshot, base: CurrentBase, service: CurrentService) -> Snapshot:
    """Name what the base holds now; nothing is copied."""
    return Snapshot.model_validate(service.app.bases.snapshots.create(base.name, new.name), from_attributes=True)


@router.get("/{snapshot}/diff")
def diff_snapshot(
    snapshot: SnapshotName,
    base: CurrentBase,
    service: CurrentService,
    later: Annotated[str, Query(max_length=200)] = "",
) -> Difference:
    """Compare a snapshot with a later one, or with what the base holds now."""
    found = service.app.bases.snapshots.diff(base.name, snapshot, later or None)
    return Difference.model_validate(found, from_attributes=True)


@router.post("/{snapshot}/restore", dependencies=[audited("snapshot.restore", Scope.ADMIN)])
def restore_snapshot(snapshot: SnapshotName, base: CurrentBase, service: CurrentService) -> Restored:
    """Bring a snapshot back in one step; restoring the one named `undo` takes that back."""
    done = service.app.bases.snapshots.restore(base.name, snapshot)
    return Restored(undo=done.undo, **Difference.model_validate(done.difference, from_attributes=True).model_dump())


@router.delete("/{snapshot}", status_code=204, dependencies=[audited("snapshot.delete", Scope.ADMIN)])
def delete_snapshot(snapshot: SnapshotName, base: CurrentBase, service: CurrentService) -> Response:
    """Forget a snapshot, and the versions that only it kept."""
    service.app.bases.snapshots.delete(base.name, snapshot)
    return Response(status_code=204)

"""`kb snapshot create`, `list`, `diff`, `restore`, `delete`."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from kb_server.cli.session import BaseName, JsonFlag, Session, print_json, session_of

if TYPE_CHECKING:
    from kb_server.bases.snapshots import SnapshotDiff
    from kb_server.core.domain import Snapshot

SnapshotName = Annotated[str, typer.Argument(metavar="SNAPSHOT", help="The snapshot. 快照名称。")]

snapshot = typer.Typer(no_args_is_help=True, help="Name what a base holds, compare, and go back. 快照、比较与恢复。")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(snapshot, name="snapshot")


@snapshot.command(epilog="Example 例： kb snapshot create notes before-cleanup")
def create(context: typer.Context, name: BaseName, label: SnapshotName, as_json: JsonFlag = False) -> None:
    """Name what a knowledge base holds now; nothing is copied. 为当前内容建立快照。"""
    session = session_of(context)
    made = session.app.bases.snapshots.create(name, label)
    if as_json:
        print_json(_row(made))
    else:
        said = session.say("documents are in the snapshot", "个文档已记入快照")
        session.console.print(f"{made.documents} {said} [bold]{escape(made.name)}[/]")


@snapshot.command("list")
def list_snapshots(context: typer.Context, name: BaseName, as_json: JsonFlag = False) -> None:
    """Show the snapshots of a knowledge base, the oldest first. 列出快照。"""
    session = session_of(context)
    rows = [_row(found) for found in session.app.bases.snapshots.all(name)]
    if as_json:
        print_json({"snapshots": rows})
        return
    say = session.say
    table = Table(
        say("Snapshot", "快照"), say("Created (UTC)", "时间（UTC）"), say("Documents", "文档"), say("Chunks", "片段")
    )
    for row in rows:
        table.add_row(*(escape(str(row[key])) for key in ("name", "created", "documents", "chunks")))
    session.console.print(table)


@snapshot.command()
def diff(
    context: typer.Context,
    name: BaseName,
    earlier: SnapshotName,
    later: Annotated[
        str | None,
        typer.Argument(metavar="[LATER]", help="Another; without it, what is there now. 另一快照，默认为当前内容。"),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """List the documents added, removed and changed since a snapshot. 列出快照之后的变化。"""
    session = session_of(context)
    difference = session.app.bases.snapshots.diff(name, earlier, later)
    if as_json:
        print_json(asdict(difference))
    else:
        _show(session, difference)


@snapshot.command(epilog="The state before is kept as a snapshot too. 恢复前的内容也会存为快照。")
def restore(context: typer.Context, name: BaseName, label: SnapshotName, as_json: JsonFlag = False) -> None:
    """Bring a snapshot back in one step; undo by restoring the one made before. 恢复到快照，可撤销。"""
    session = session_of(context)
    restored = session.app.bases.snapshots.restore(name, label)
    if as_json:
        print_json({"restored": label, **asdict(restored.difference), "undo": restored.undo})
        return
    _show(session, restored.difference)
    session.console.print(session.say("Undo with:", "撤销："), f"kb snapshot restore {name} '{escape(restored.undo)}'")


@snapshot.command()
def delete(context: typer.Context, name: BaseName, label: SnapshotName, as_json: JsonFlag = False) -> None:
    """Forget a snapshot, and the versions only it kept. 删除快照。"""
    session = session_of(context)
    session.app.bases.snapshots.delete(name, label)
    if as_json:
        print_json({"deleted": label})
    else:
        session.console.print(session.say("Deleted", "已删除"), f"[bold]{escape(label)}[/]")


def _row(found: "Snapshot") -> dict[str, str | int]:
    created = found.created.isoformat(timespec="seconds")
    return {"name": found.name, "created": created, "documents": found.documents, "chunks": found.chunks}


def _show(session: Session, difference: "SnapshotDiff") -> None:
    kinds = (("+", "green", difference.added), ("-", "red", difference.removed), ("~", "yellow", difference.changed))
    lines = [f"[{style}]{sign} {escape(name)}[/]" for sign, style, names in kinds for name in names]
    session.console.print("\n".join(lines) or session.say("No difference.", "没有变化。"))

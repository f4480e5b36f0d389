"""`kb create`, `kb list`, `kb describe`, `kb delete`."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from kb_server.cli.options import ChunkOverlap, ChunkSize, DelimiterOption, SplitByOption, splitting_change
from kb_server.cli.session import BaseName, JsonFlag, Session, print_json, session_of
from kb_server.embedding.model_folder import better_embedder

if TYPE_CHECKING:
    from kb_server.bases.service import BaseSummary


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog='Example 例： kb create "员工手册"')(create)
    app.command("list")(list_bases)
    app.command(epilog='Example 例： kb describe notes "Minutes of the board, 2020 to 2026"')(describe)
    app.command(epilog="Example 例： kb delete notes --yes")(delete)


def create(
    context: typer.Context,
    name: BaseName,
    store: Annotated[str | None, typer.Option(help="Where vectors go: faiss, milvus or annoy. 向量库。")] = None,
    embedder: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Embedding model, by name or folder. 向量模型（名称或文件夹）。")
    ] = None,
    chunk_size: ChunkSize = None,
    chunk_overlap: ChunkOverlap = None,
    split_by: SplitByOption = None,
    delimiter: DelimiterOption = None,
    description: Annotated[str, typer.Option(metavar="TEXT", help="What it is about. 知识库简介。")] = "",
    as_json: JsonFlag = False,
) -> None:
    """Make an empty knowledge base. 新建一个空知识库。

    How its documents are cut can be set for this base; else the settings decide. A folder's own .kb.yaml goes first.
    可为本库单独设置切分方式；文件夹中的 .kb.yaml 优先。
    """
    session = session_of(context)
    splitting = splitting_change(chunk_size, chunk_overlap, split_by, delimiter)
    base = session.app.bases.create(name, store, embedder, splitting, description)
    if as_json:
        print_json({"name": base.name, "store": base.store, "embedder": base.embedder})
        return
    say = session.say
    session.console.print(say("Made", "已新建"), f"[bold]{base.name}[/].", say("Next:", "下一步："), end=" ")
    session.console.print(f"kb ingest {base.name} PATH", style="cyan")


def list_bases(context: typer.Context, as_json: JsonFlag = False) -> None:
    """Show the knowledge bases and what is in them. 列出知识库。"""
    session = session_of(context)
    bases = session.app.bases
    rows = [_row(summary, bases.index(summary.base)) for summary in bases.summaries()]
    if as_json:
        print_json({"knowledge_bases": rows})
    elif rows:
        session.console.print(_table(session, rows))
        _say_better(session, rows)
    else:
        say = session.say
        session.console.print(say("No knowledge base yet. Make one with:", "还没有知识库。新建："), "kb create NAME")


def _row(summary: "BaseSummary", index: Mapping[str, Any]) -> dict[str, Any]:
    base = summary.base
    return {
        "name": base.name,
        "description": base.description,
        "store": base.store,
        "embedder": base.embedder,
        "better_embedder": better_embedder(base.embedder),
        "documents": summary.documents,
        "chunks": summary.chunks,
        "index": index,
        "fusion": dict(base.fusion.weights) if base.fusion else None,
        "splitting": asdict(base.splitting) if base.splitting else None,
        "calibration": asdict(base.calibration) if base.calibration else None,
    }


def _say_better(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Name the command for each base whose embedding model has a better successor."""
    better = [(row["name"], row["better_embedder"]) for row in rows if row["better_embedder"]]
    if better:
        say = session.say
        reason = say("finds more, and Chinese by meaning:", "检索更准，中文也能按语义查找：")
        session.console.print(f"\n{better[0][1]} {reason}", style="dim")
    for name, model in better:
        session.console.print(f"  kb reindex {escape(name)} --embedder {model}", style="dim")


def _table(session: Session, rows: Sequence[Mapping[str, Any]]) -> Table:
    """Return the bases as a table; what they are about only where somebody said so."""
    say = session.say
    table = Table(say("Name", "名称"), say("Documents", "文档"), say("Chunks", "片段"), say("Store", "向量库"))
    table.add_column(say("Embedder", "向量模型"), overflow="fold")
    columns = ["name", "documents", "chunks", "store", "embedder"]
    if any(row["description"] for row in rows):
        table.add_column(say("About", "简介"), overflow="fold")
        columns.append("description")
    for row in rows:
        table.add_row(*(escape(str(row[key])) for key in columns))
    return table


def describe(
    context: typer.Context,
    name: BaseName,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="Empty: take it back. 留空则清除。")],
    as_json: JsonFlag = False,
) -> None:
    """Say what a knowledge base is about, for people and programs that choose one. 填写知识库简介。"""
    session = session_of(context)
    base = session.app.bases.describe(session.app.bases.find(name), text)
    session.tell(
        {"name": base.name, "description": base.description},
        f"[bold]{escape(base.name)}[/]",
        escape(base.description),
        as_json=as_json,
    )


def delete(
    context: typer.Context,
    name: BaseName,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask. 不再确认。")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Delete a knowledge base with all its documents. 删除知识库及其全部文档。"""
    session = session_of(context)
    session.app.bases.find(name)
    if not yes and not as_json:
        question = session.say(f"Delete '{name}' and every document in it?", f"删除“{name}”及其全部文档？")
        typer.confirm(question, abort=True)
    session.app.bases.delete(name)
    session.tell({"deleted": name}, session.say("Deleted", "已删除"), f"[bold]{name}[/]", as_json=as_json)

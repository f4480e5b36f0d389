"""`kb export`, `kb import`, `kb migrate`, `kb reindex`."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from kb_server.cli.options import ChunkOverlap, ChunkSize, DelimiterOption, SplitByOption, splitting_change
from kb_server.cli.session import BaseName, JsonFlag, Session, print_json, session_of
from kb_server.core.errors import UsageError

if TYPE_CHECKING:
    from kb_server.bases.migrate import OnMoved

StoreOption = Annotated[str | None, typer.Option(help="faiss, milvus or annoy. 向量库。")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("export", epilog="Example 例： kb export notes notes.kb.zip")(export)
    app.command("import", epilog="Example 例： kb import notes.kb.zip --name copy --store milvus")(import_)
    app.command(epilog="Example 例： kb migrate notes --store milvus")(migrate)
    app.command(
        epilog="Examples 例： kb reindex notes --embedder ./bge-small-zh  ·  kb reindex notes --chunk-size 300"
    )(reindex)


def export(
    context: typer.Context,
    name: BaseName,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Is replaced if it is there. 已有则覆盖。")],
    as_json: JsonFlag = False,
) -> None:
    """Write a knowledge base into one file: documents, chunks, vectors. 导出为单个文件。"""
    session = session_of(context)
    done = session.app.bases.exporter.run(name, file)
    session.tell(
        {"file": str(file), **asdict(done)},
        f"[bold]{escape(str(file))}[/]: {done.documents} {session.say('documents', '个文档')}, "
        f"{done.chunks} {session.say('chunks', '个片段')}, {done.bytes / 1e6:.1f} MB",
        as_json=as_json,
    )


def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Made by kb export. 由 kb export 生成。")],
    name: Annotated[str | None, typer.Option(help="Another name for it. 新名称。")] = None,
    store: StoreOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Make a knowledge base from an exported file, after checking all of it; nothing is embedded. 导入知识库。"""
    session = session_of(context)
    base = session.app.bases.import_file(file, name, store)
    session.tell(
        {"name": base.name, "store": base.store, "embedder": base.embedder},
        session.say("Imported", "已导入"),
        f"[bold]{base.name}[/]",
        as_json=as_json,
    )


def migrate(
    context: typer.Context,
    name: BaseName,
    store: Annotated[str, typer.Option(help="faiss, milvus or annoy. 目标向量库。")],
    as_json: JsonFlag = False,
) -> None:
    """Move the vectors to another store; nothing is embedded again. 迁移到另一向量库，无需重新嵌入。"""
    session = session_of(context)
    with _bar(session, shown=not as_json) as on_moved:
        base = session.app.bases.migrate(name, store, on_moved)
    session.tell(
        {"name": base.name, "store": base.store},
        f"[bold]{base.name}[/]",
        session.say("is in", "现位于"),
        base.store,
        as_json=as_json,
    )


def reindex(
    context: typer.Context,
    name: BaseName,
    embedder: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Embed all with this model. 改用此向量模型。")
    ] = None,
    chunk_size: ChunkSize = None,
    chunk_overlap: ChunkOverlap = None,
    split_by: SplitByOption = None,
    delimiter: DelimiterOption = None,
    drop_edits: Annotated[
        bool,
        typer.Option("--drop-edits", help="Cut documents with edited or disabled chunks too. 丢弃对片段的修改。"),
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Embed everything with another model, or cut it into other chunks; the old index answers. 更换模型或重新切分。

    Cut again from the stored originals, a document at a time. One with edited or disabled chunks keeps its chunks
    unless --drop-edits. 从保存的原件逐个重新切分；有人工修改的文档保持原样，除非指定 --drop-edits。
    """
    session = session_of(context)
    change = splitting_change(chunk_size, chunk_overlap, split_by, delimiter)
    if bool(change) == (embedder is not None):
        raise UsageError("Give either --embedder or how to cut, one after the other.", "For example: --chunk-size 300")
    if embedder is None:
        _recut(session, name, change, drop_edits=drop_edits, as_json=as_json)
        return
    with _bar(session, shown=not as_json) as on_moved:
        base = session.app.bases.reindex(name, embedder, on_moved)
    session.tell(
        {"name": base.name, "embedder": base.embedder, "dimension": base.dimension},
        f"[bold]{base.name}[/]",
        session.say("is embedded by", "现使用"),
        escape(base.embedder),
        as_json=as_json,
    )


def _recut(session: Session, name: str, change: dict[str, Any], *, drop_edits: bool, as_json: bool) -> None:
    from kb_server.ingest.recut import recut_json

    with _bar(session, shown=not as_json) as on_done:
        report = session.app.ingest.recut(name, change, drop_edits=drop_edits, on_done=on_done)
    if as_json:
        print_json(recut_json(report))
    else:
        say, console = session.say, session.console
        chunks = say(f"now {report.chunks} chunks", f"现有 {report.chunks} 个片段")
        cut = say(f"{report.documents} documents cut anew", f"重新切分 {report.documents} 个文档")
        same = say(f"{report.unchanged} come out the same", f"{report.unchanged} 个结果相同")
        console.print(f"[bold]{escape(name)}[/]: {cut}, {same}; {chunks}")
        for left in report.left:
            kept = say(
                f"keeps its chunks: {left.edited} edited, {left.disabled} disabled",
                f"保持原样：{left.edited} 个片段已修改，{left.disabled} 个已停用",
            )
            console.print(f"[yellow]![/] {escape(left.document)} {kept}")
        for failure in report.failed:
            console.print(f"[red]✗[/] {escape(failure.path)}: {escape(failure.reason)}")
    if report.failed:
        raise typer.Exit(3)


@contextmanager
def _bar(session: Session, shown: bool) -> Iterator["OnMoved"]:
    from rich.progress import Progress

    with Progress(console=session.errors, transient=True, disable=not shown) as progress:
        task = progress.add_task("", total=None)
        yield lambda done, total: progress.update(task, completed=done, total=max(total, 1))

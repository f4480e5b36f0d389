"""`kb export`, `kb import`, `kb migrate`, `kb reindex`."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from kb_server.cli.session import BaseName, JsonFlag, Session, print_json, session_of

if TYPE_CHECKING:
    from kb_server.services.moving import OnMoved

StoreOption = Annotated[str | None, typer.Option(help="faiss, milvus or annoy. 向量库。")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("export", epilog="Example 例： kb export notes notes.kb.zip")(export)
    app.command("import", epilog="Example 例： kb import notes.kb.zip --name copy --store milvus")(import_)
    app.command(epilog="Example 例： kb migrate notes --store milvus")(migrate)
    app.command(epilog="Example 例： kb reindex notes --embedder ./bge-small-zh")(reindex)


def export(
    context: typer.Context,
    name: BaseName,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Is replaced if it is there. 已有则覆盖。")],
    as_json: JsonFlag = False,
) -> None:
    """Write a knowledge base into one file: documents, chunks, vectors. 导出为单个文件。"""
    session = session_of(context)
    done = session.app.exporting.run(name, file)
    if as_json:
        print_json({"file": str(file), **asdict(done)})
    else:
        session.console.print(
            f"[bold]{escape(str(file))}[/]: {done.documents} {session.say('documents', '个文档')}, "
            f"{done.chunks} {session.say('chunks', '个片段')}, {done.bytes / 1e6:.1f} MB"
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
    base = session.app.import_base(file, name, store)
    if as_json:
        print_json({"name": base.name, "store": base.store, "embedder": base.embedder})
    else:
        session.console.print(session.say("Imported", "已导入"), f"[bold]{base.name}[/]")


def migrate(
    context: typer.Context,
    name: BaseName,
    store: Annotated[str, typer.Option(help="faiss, milvus or annoy. 目标向量库。")],
    as_json: JsonFlag = False,
) -> None:
    """Move the vectors to another store; nothing is embedded again. 迁移到另一向量库，无需重新嵌入。"""
    session = session_of(context)
    with _bar(session, shown=not as_json) as on_moved:
        base = session.app.migrate(name, store, on_moved)
    if as_json:
        print_json({"name": base.name, "store": base.store})
    else:
        session.console.print(f"[bold]{base.name}[/]", session.say("is in", "现位于"), base.store)


def reindex(
    context: typer.Context,
    name: BaseName,
    embedder: Annotated[str, typer.Option(metavar="MODEL", help="The new model. 新的向量模型。")],
    as_json: JsonFlag = False,
) -> None:
    """Embed everything with another model; the old index answers until it is done. 更换向量模型并重建。"""
    session = session_of(context)
    with _bar(session, shown=not as_json) as on_moved:
        base = session.app.reindex(name, embedder, on_moved)
    if as_json:
        print_json({"name": base.name, "embedder": base.embedder, "dimension": base.dimension})
    else:
        session.console.print(f"[bold]{base.name}[/]", session.say("is embedded by", "现使用"), escape(base.embedder))


@contextmanager
def _bar(session: Session, shown: bool) -> Iterator["OnMoved"]:
    from rich.progress import Progress

    with Progress(console=session.errors, transient=True, disable=not shown) as progress:
        task = progress.add_task("", total=None)
        yield lambda done, total: progress.update(task, completed=done, total=max(total, 1))

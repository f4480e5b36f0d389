"""`kb ingest`, `kb docs`, `kb remove`."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from kb_server.cli.session import BaseName, JsonFlag, Session, print_json, session_of
from kb_server.core.errors import Interrupted
from kb_server.ingest.sources import Failure, Gathered, is_url

if TYPE_CHECKING:
    from rich.console import Console

    from kb_server.ingest.pipeline import Bulk, IngestReport
    from kb_server.ingest.progress import OnProgress, Progress

NOTHING = Gathered()
_RATE_OVER = 600.0  # seconds: files differ so much that a shorter span would have the rest jump up and down
_STATES = {"indexed": "[green]indexed[/]", "pending": "[yellow]pending[/]", "failed": "[red]failed[/]"}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog="Examples 例： kb ingest notes ~/Documents   ·   kb ingest notes report.pdf 手册.docx")(ingest)
    app.command()(docs)
    app.command(epilog="Example 例： kb remove notes report.pdf")(remove)


def ingest(
    context: typer.Context,
    name: BaseName,
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH…", help="Files, folders, https:// addresses. 文件、文件夹或网址。")
    ],
    depth: Annotated[
        int, typer.Option(min=0, max=10, help="Follow links of the same site so far. 网址：沿站内链接的层数。")
    ] = 0,
    ray: Annotated[
        str | None,
        typer.Option(
            metavar="[ADDRESS]", help="Read and embed on a Ray cluster; alone: on this machine. 在 Ray 上分布导入。"
        ),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Put files and folders into a knowledge base. 把文件和文件夹放进知识库。

    Folders are searched with all that is below them. A file that has not changed is passed over; a changed one
    replaces its old version, which answers until the new one is ready. A file that cannot be read is listed with the
    reason, and the rest goes on. Stop with Ctrl-C whenever you like: the same command goes on from there.
    """
    session = session_of(context)
    session.app.bases.find(name)
    with TemporaryDirectory() as folder:
        fetched = _fetch(session, list(filter(is_url, paths)), depth, Path(folder), shown=not as_json)
        files = [Path(path) for path in paths if not is_url(path)]
        with _cluster(session, ray) as bulk:
            report = ingest_with_progress(session, name, files, shown=not as_json, fetched=fetched, bulk=bulk)
    if as_json:
        print_json(asdict(report))
    else:
        show_report(session, name, report)
    succeeded = report.added + report.updated + report.unchanged
    if report.failed:
        raise typer.Exit(3 if succeeded else 1)


def docs(context: typer.Context, name: BaseName, as_json: JsonFlag = False) -> None:
    """Show the documents of a knowledge base and their state. 列出知识库中的文档及状态。"""
    session = session_of(context)
    documents, tags = session.app.bases.documents(name), session.app.bases.tags.all(name)
    if as_json:
        keys = ("name", "state", "pages", "chunks", "sha256", "error")
        rows = [
            {**{key: getattr(document, key) for key in keys}, "tags": list(tags.get(document.name, ()))}
            for document in documents
        ]
        print_json({"documents": rows})
        return
    say = session.say
    table = Table()
    table.add_column(say("Document", "文档"), overflow="fold")
    table.add_column(say("State", "状态"))
    table.add_column(say("Pages", "页数"), justify="right")
    table.add_column(say("Chunks", "片段"), justify="right")
    table.add_column(say("Note", "说明"), overflow="fold")
    for document in documents:
        pages = str(document.pages or "")
        labels = "".join(f"#{tag} " for tag in tags.get(document.name, ()))
        note = escape(labels + (document.error or ""))
        table.add_row(escape(document.name), _STATES[document.state], pages, str(document.chunks), note)
    session.console.print(table)


def remove(
    context: typer.Context,
    name: BaseName,
    documents: Annotated[list[str], typer.Argument(metavar="DOC…", help="Names as kb docs shows them. 文档名。")],
    as_json: JsonFlag = False,
) -> None:
    """Remove documents from a knowledge base. 从知识库移除文档。"""
    session = session_of(context)
    session.app.bases.remove(name, documents)
    session.tell(
        {"removed": documents},
        session.say("Removed", "已移除"),
        ", ".join(escape(document) for document in documents),
        as_json=as_json,
    )


@contextmanager
def _cluster(session: Session, address: str | None) -> Iterator["Bulk | None"]:
    if address is None:
        yield None
        return
    from kb_server.integrations.ray import RayCluster

    with closing(RayCluster(address, session.settings)) as cluster:
        yield cluster


def _fetch(session: Session, urls: list[str], depth: int, folder: Path, shown: bool) -> Gathered:
    if not urls:
        return Gathered()
    from kb_server.ingest.web.sources import fetch_sources

    with session.errors.status(session.say("Fetching", "抓取")) as status:
        if not shown:
            status.stop()
        return fetch_sources(urls, session.app.ingest.crawler, depth, folder, lambda url: status.update(escape(url)))


def ingest_with_progress(
    session: Session,
    name: str,
    paths: list[Path],
    shown: bool = True,
    fetched: Gathered = NOTHING,
    bulk: "Bulk | None" = None,
) -> "IngestReport":
    """Ingest under a progress bar; Ctrl-C ends in Interrupted, which says how much is in."""
    ingestion = session.app.ingest.pipeline(name, bulk)
    with _progress_bar(session, shown) as on_progress:
        try:
            return ingestion.run(paths, on_progress, fetched)
        except KeyboardInterrupt:
            documents = sum(document.state == "indexed" for document in session.app.bases.documents(name))
            raise Interrupted(
                f"Stopped; {documents} documents of '{name}' are searchable.",
                "Run the same command again to go on from there.",
            ) from None


@contextmanager
def _progress_bar(session: Session, shown: bool) -> Iterator["OnProgress"]:
    from rich import progress as rich_progress
    from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (
        SpinnerColumn(),
        BarColumn(bar_width=30),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
        TextColumn(session.say("left", "剩余")),
        TimeRemainingColumn(),
        TextColumn("[dim]{task.description}"),
    )
    # On standard error, so that a report sent to a file holds no bar.
    with rich_progress.Progress(
        *columns, console=session.errors, transient=True, disable=not shown, speed_estimate_period=_RATE_OVER
    ) as progress:
        task = progress.add_task("", total=None)

        def show(step: "Progress") -> None:
            page = f" · {step.page}/{step.pages}" if step.pages > 1 else ""
            progress.update(
                task, completed=step.done, total=max(step.total, 1), description=escape(step.current) + page
            )

        yield show


def show_report(session: Session, name: str, report: "IngestReport") -> None:
    """Print what an ingest did, and each file it could not take with the reason."""
    say, console = session.say, session.console
    counts = (
        (report.added, say("added", "新增"), "green"),
        (report.updated, say("updated", "更新"), "cyan"),
        (report.unchanged, say("unchanged", "未变"), "dim"),
        (len(report.failed), say("failed", "失败"), "red"),
    )
    parts = [f"[{style}]{count} {word}[/]" for count, word, style in counts if count]
    console.print(
        f"[bold]{escape(name)}[/]: " + " · ".join(parts or [say("nothing to do", "没有可做的")]),
        f"[dim]— {report.chunks} {say('chunks', '个片段')}, {report.seconds:.1f} s[/]",
    )
    if report.copies:
        console.print(report.copies, say("chunks say no more than others do", "个片段与其他片段内容相同"), style="dim")
    for part in report.set_aside:
        console.print(
            f"[yellow]{say('set aside', '已搁置')}[/]", escape(f"{part.document}: {part.reason} × {part.blocks}")
        )
    if report.failed:
        console.print(f"[bold]{say('Not ingested', '未能导入')}[/]")
        _show_failures(console, sorted(report.failed, key=lambda failure: failure.path))


def _show_failures(console: "Console", failures: list[Failure]) -> None:
    """Print a sentence for each: on a terminal indented where it is wrapped, in a file on one line."""
    grid = Table.grid(padding=(0, 1))
    for failure in failures:
        grid.add_row("[red]✗[/]", _sentence(failure))
    if console.is_terminal:
        console.print(grid)
    else:
        console.print("\n".join(f"✗ {_sentence(failure)}" for failure in failures), soft_wrap=True)


def _sentence(failure: Failure) -> str:
    """Say the name once: most reasons begin with it, and the path ends with it."""
    name, _, rest = failure.reason.removeprefix("'").partition("' ")
    if rest and failure.path.endswith(name):
        return f"[red]{escape(failure.path)}[/] {escape(rest)}"
    return f"[red]{escape(failure.path)}[/]: {escape(failure.reason)}"

"""Options that say which documents to look in."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.text import Text

from kb_server.cli.session import Session
from kb_server.core.answers import Answer
from kb_server.core.domain import Filter
from kb_server.core.errors import UsageError
from kb_server.core.knn_lm import KnnScope, KnnTrace, TokenOrigin


@contextmanager
def counting_bar(session: Session, shown: bool) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on standard error; what is yielded is told how many of how many are done."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

    left = TextColumn(session.say("left", "剩余"))
    columns = (SpinnerColumn(), BarColumn(bar_width=30), MofNCompleteColumn(), left, TimeRemainingColumn())
    with Progress(*columns, console=session.errors, transient=True, disable=not shown) as progress:
        task = progress.add_task("", total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


ChunkSize = Annotated[int | None, typer.Option(help="Longest chunk, in tokens. 片段上限（词元）。")]

ChunkOverlap = Annotated[int | None, typer.Option(help="Tokens repeated. 重复的词元。")]

SplitByOption = Annotated[
    str | None, typer.Option("--split-by", metavar="WHAT", help="sentences, rows or delimiter. 切分方式。")
]

DelimiterOption = Annotated[
    str | None, typer.Option("--delimiter", help="What begins a record, such as Q: 记录的起始标记。")
]


def splitting_change(size: int | None, overlap: int | None, by: str | None, delimiter: str | None) -> dict[str, Any]:
    """Return what the options say, as the application takes it."""
    asked = {"size": size, "overlap": overlap, "by": by, "delimiter": delimiter}
    return {key: value for key, value in asked.items() if value is not None}


_PAGES = re.compile(r"(\d{1,7})(?:-(\d{1,7}))?")

_DATES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]

OnlyDocuments = Annotated[
    list[str] | None, typer.Option("--document", help="Only this document; may be repeated. 只在此文档中查找。")
]

OnlyFolder = Annotated[str, typer.Option("--folder", help="Only documents below this folder. 只在此文件夹中查找。")]

OnlyTags = Annotated[
    list[str] | None,
    typer.Option("--tag", help="Only documents with this tag, or any of several. 只在带此标签的文档中查找。"),
]

OnlyPages = Annotated[str, typer.Option("--pages", metavar="N or N-M", help="Only these pages. 只在这些页中查找。")]

Since = Annotated[
    datetime | None,
    typer.Option(formats=_DATES, help="Only documents ingested on this day or later. 此日起导入的文档。"),
]

Until = Annotated[
    datetime | None, typer.Option(formats=_DATES, help="Only documents ingested before this day. 此日前导入的文档。")
]


def chosen(
    documents: list[str] | None = None,
    folder: str = "",
    tags: list[str] | None = None,
    pages: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
) -> Filter:
    """Return what the options let through; days are those of this machine's clock."""
    return Filter(
        documents=tuple(documents or ()),
        folder=folder,
        tags=tuple(tags or ()),
        pages=_pages(pages),
        since=_utc(since),
        until=_utc(until),
    )


def _pages(text: str) -> tuple[int, int] | None:
    if not text:
        return None
    found = _PAGES.fullmatch(text)
    if found is None:
        raise UsageError(f"'{text}' names no pages.", "Give one, or the first and the last: --pages 3-7")
    return int(found[1]), int(found[2] or found[1])


def _utc(time: datetime | None) -> datetime | None:
    return time.astimezone(UTC).replace(tzinfo=None) if time else None


KnnFlag = Annotated[
    bool | None,
    typer.Option(
        "--knn-lm/--no-knn-lm", help="generate: the base's own text takes part in every token. 知识库原文参与选词。"
    ),
]

KnnScopeOption = Annotated[
    KnnScope | None, typer.Option(help="--knn-lm: compare the passages found, or all. 比较检索到的片段或全部。")
]

ClosedBook = Annotated[
    bool, typer.Option("--closed-book", help="--knn-lm: no passages in the prompt. 提示词中不放片段。")
]

_STYLES = ((0.9, "bold green"), (0.5, "green"), (0.1, "yellow"))  # how much of a token the neighbours gave


def knn_choice(wanted: bool | None, scope: KnnScope | None, closed_book: bool) -> bool | dict[str, Any] | None:
    """Return what the options say, as the application takes it; an option of kNN-LM asks for it."""
    if wanted is False or (scope is None and not closed_book):
        return wanted
    return {"scope": scope, "closed_book": closed_book or None}


def show_trace(session: Session, answer: Answer) -> None:
    """Print the written tokens coloured by how much of each the neighbours gave, and the places most came from."""
    trace = answer.knn
    if trace is None:
        return
    if trace.reason:
        session.console.print(f"[yellow]! {escape(trace.reason)}[/]")
        return
    line = Text()
    for token in trace.tokens:
        line.append(token.token, _style(token))
    session.console.print(line, end="\n")
    decided = sum(token.decided for token in trace.tokens)
    session.console.print(
        session.say(
            f"kNN-LM: {trace.keys} keys; {decided} of {len(trace.tokens)} tokens came mostly from the documents",
            f"近邻语言模型：{trace.keys} 个键；{len(trace.tokens)} 个词元中有 {decided} 个主要来自文档",
        ),
        style="dim",
    )
    for document, count in _places(trace):
        session.console.print(f"  [blue]{escape(document)}[/] [dim]{count}[/]")


def _style(token: TokenOrigin) -> str:
    share = token.mass / token.probability if token.probability else 0.0
    return next((style for least, style in _STYLES if share >= least), "dim")


def _places(trace: KnnTrace) -> list[tuple[str, int]]:
    counts: dict[str, int] = {}
    for token in trace.tokens:
        if token.decided and token.sources:
            counts[token.sources[0].document] = counts.get(token.sources[0].document, 0) + 1
    return sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:3]

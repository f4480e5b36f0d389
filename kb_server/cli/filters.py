"""Options that say which documents to look in."""

import re
from datetime import UTC, datetime
from typing import Annotated

import typer

from kb_server.domain import Filter
from kb_server.errors import UsageError

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
    return Filter(tuple(documents or ()), folder, tuple(tags or ()), _pages(pages), _utc(since), _utc(until))


def _pages(text: str) -> tuple[int, int] | None:
    if not text:
        return None
    found = _PAGES.fullmatch(text)
    if found is None:
        raise UsageError(f"'{text}' names no pages.", "Give one, or the first and the last: --pages 3-7")
    return int(found[1]), int(found[2] or found[1])


def _utc(time: datetime | None) -> datetime | None:
    return time.astimezone(UTC).replace(tzinfo=None) if time else None

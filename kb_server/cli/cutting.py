"""Options that say how documents are cut."""

from typing import Annotated, Any

import typer

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

"""`kb tag`."""

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from kb_server.cli.session import BaseName, JsonFlag, print_json, session_of


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example 例： kb tag notes report.pdf --add 2026 --add finance")(tag)


def tag(
    context: typer.Context,
    name: BaseName,
    documents: Annotated[
        list[str] | None, typer.Argument(metavar="DOC…", help="Names as kb docs shows them. 文档名。")
    ] = None,
    add: Annotated[list[str] | None, typer.Option(help="Put this tag on them; may be repeated. 添加标签。")] = None,
    remove: Annotated[list[str] | None, typer.Option(help="Take this tag off them. 去掉标签。")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Put tags on documents, or show them; kb search and kb ask take --tag. 给文档加标签，或查看标签。"""
    session = session_of(context)
    tagging = session.app.bases.tags
    found = tagging.change(name, documents, add or (), remove or ()) if documents else tagging.all(name)
    if as_json:
        print_json({"tags": {document: list(tags) for document, tags in found.items()}})
        return
    table = Table()
    table.add_column(session.say("Document", "文档"), overflow="fold")
    table.add_column(session.say("Tags", "标签"), overflow="fold")
    for document, tags in found.items():
        table.add_row(escape(document), escape(", ".join(tags)))
    session.console.print(table)

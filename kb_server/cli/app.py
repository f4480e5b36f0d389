"""The root of `kb`."""

from pathlib import Path
from typing import Annotated

import typer

from kb_server import __version__
from kb_server.cli import (
    bases,
    demo,
    doctor,
    documents,
    evaluation,
    keys,
    mcp,
    models,
    moving,
    questions,
    serve,
    snapshots,
    tagging,
    ui,
)
from kb_server.cli.session import Session

app = typer.Typer(
    name="kb",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="""Ask your own documents, in Chinese or English, and get answers you can check.

    用中文或英文向自己的文档提问，得到可以核对的答案。

    First steps 上手：  [bold]kb create notes[/]  ·  [bold]kb ingest notes ~/Documents[/]  ·  [bold]kb ask notes …[/]

    Exit codes 退出码： 0 ok · 1 failed · 2 usage · 3 partly failed · 130 interrupted""",
)


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"kb-server {__version__}")
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", help="Settings file; also KB_CONFIG. 设置文件。"),
    ] = None,
    version: Annotated[  # noqa: ARG001 - its callback has answered already
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Show the version. 显示版本。")
    ] = False,
) -> None:
    """Take the options that every command shares."""
    context.obj = Session(config)


for group in (
    *(bases, documents, tagging, questions, evaluation, snapshots, moving),
    *(serve, ui, keys, mcp, models, doctor, demo),
):
    group.register(app)

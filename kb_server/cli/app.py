"""The root of `kb`, with the commands that a run needs: importing all of them takes a third of a second."""

from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from kb_server import __version__
from kb_server.cli.session import Session

# Each file of this folder with its commands; in the order that `kb --help` shows them.
GROUPS = {
    "bases": ("create", "describe", "list", "delete"),
    "documents": ("ingest", "docs", "remove"),
    "tags": ("tag",),
    "questions": ("search", "ask", "chat"),
    "evaluation": ("evaluate", "compare", "questions"),
    "tuning": ("tune",),
    "snapshots": ("snapshot",),
    "transfer": ("export", "import", "migrate", "reindex"),
    "knn": ("knn",),
    "serve": ("serve",),
    "ui": ("ui",),
    "keys": ("keys",),
    "mcp": ("mcp",),
    "models": ("models",),
    "doctor": ("doctor",),
    "demo": ("demo",),
}


def make_app(command: str | None = None) -> typer.Typer:
    """Return `kb` with the file that has this command, with all if no file has it."""
    app = typer.Typer(
        name="kb",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        help="""Ask your own documents, in Chinese or English, and get answers you can check.

        用中文或英文向自己的文档提问，得到可以核对的答案。

        First steps 上手： [bold]kb create notes[/] · [bold]kb ingest notes ~/Documents[/] · [bold]kb ask notes …[/]

        Exit codes 退出码： 0 ok · 1 failed · 2 usage · 3 partly failed · 130 interrupted""",
    )
    app.callback()(root)
    having = [group for group, commands in GROUPS.items() if command in commands]
    for group in having or GROUPS:
        import_module(f"kb_server.cli.{group}").register(app)
    return app


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"kb-server {__version__}")
        raise typer.Exit


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

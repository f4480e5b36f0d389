"""The command `kb`: one file a command group."""

import json
import re
import sys
from collections.abc import Sequence
from typing import Any

import typer
from rich.markup import escape

from kb_server.cli.app import make_app
from kb_server.cli.language import ERROR_TITLES, choose_language
from kb_server.cli.session import Session
from kb_server.core.errors import Interrupted, KbError, UsageError

_CONFIG = "--config"
_RAY = "--ray"
_ADDRESS = re.compile(r"auto|local|ray://.+|[\w.-]+:\d+")
# Typer brings a click of its own and does not export this class: the base of what it does export.
_TyperUsageError: type[Exception] = typer.BadParameter.__bases__[0]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave the process: 0 ok, 1 failed, 2 usage, 3 partly failed, 130 interrupted."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    sys.exit(run(given))


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit status; errors go to standard error, as JSON if `--json` was given."""
    as_json = "--json" in arguments
    try:
        return _invoke(_ray_address(_config_first(arguments)))
    except KbError as error:
        _report(error, as_json)
        return error.exit_status
    except _TyperUsageError as error:
        _report(_usage_error(error), as_json)
        return UsageError.exit_status
    except (typer.Abort, KeyboardInterrupt):
        stopped = Interrupted("Stopped.", "What was done stays; the same command goes on from there.")
        _report(stopped, as_json)
        return stopped.exit_status


def _invoke(arguments: list[str]) -> int:
    command = typer.main.get_command(make_app(_command_of(arguments)))
    try:
        with command.make_context("kb", arguments or ["--help"]) as context:
            try:
                command.invoke(context)
            finally:
                if isinstance(context.obj, Session):
                    context.obj.close()
    except typer.Exit as leave:
        return leave.exit_code
    return 0


def _ray_address(arguments: Sequence[str]) -> list[str]:
    """Let `--ray` stand without an address, which means this machine; typer's options always have a value or never."""
    given = list(arguments)
    for i, argument in enumerate(given):
        if argument == "--":
            break
        if argument == _RAY and not any(_ADDRESS.fullmatch(following) for following in given[i + 1 : i + 2]):
            return [*given[:i], f"{_RAY}=local", *given[i + 1 :]]
    return given


def _command_of(arguments: Sequence[str]) -> str | None:
    """Return the first word that is no option of `kb` itself; `--config` and its value stand first by now."""
    rest = arguments[2:] if arguments[:1] == [_CONFIG] else arguments
    return next((argument for argument in rest if not argument.startswith("-")), None)


def _usage_error(error: Any) -> UsageError:  # noqa: ANN401 - typer's own class, see above
    command = error.ctx.command_path if error.ctx else "kb"
    return UsageError(error.format_message(), f"See: {command} --help")


def _config_first(arguments: Sequence[str]) -> list[str]:
    """Let `--config FILE` stand anywhere: it belongs to `kb`, but people write it behind the command too."""
    rest = list(arguments)
    for i, argument in enumerate(rest):
        if argument == "--":
            break
        if argument == _CONFIG:
            return rest[i : i + 2] + rest[:i] + rest[i + 2 :]
        if argument.startswith(f"{_CONFIG}="):
            return [argument, *rest[:i], *rest[i + 1 :]]
    return rest


def _report(error: KbError, as_json: bool) -> None:
    if as_json:
        sys.stderr.write(
            json.dumps(
                {"error": {"code": error.code, "message": error.message, "hint": error.hint}}, ensure_ascii=False
            )
            + "\n"
        )
        return
    console = Session(None).errors
    title = choose_language("auto")("Error", f"错误（{ERROR_TITLES.get(error.code, error.code)}）")
    console.print(f"[bold red]{title}:[/] {escape(error.message)}", soft_wrap=True)
    if error.hint:
        console.print(f"  [dim]→[/] {escape(error.hint)}", soft_wrap=True)

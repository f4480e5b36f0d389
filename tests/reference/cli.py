"""docs/reference/cli.md: every command of `kb` with its arguments and options."""

from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any, get_args, get_origin

import typer

from kb_server.cli.app import make_app
from tests.paths import ROOT
from tests.reference.pages import table


def cli_page() -> str:
    """Return the page."""
    root = typer.main.get_command(make_app())
    parts = ["# `kb`, command by command 命令参考\n", f"{_first(root.help)}\n", _parameters(root.params)]
    for name, command in _commands("kb", root):
        parts.append(f"## `{name}`\n\n{_help(command.help)}\n\n{_parameters(command.params)}")
    return "\n".join(part for part in parts if part).rstrip() + "\n"


def _commands(prefix: str, group: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - typer's own copy of click's classes
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(f"{prefix} {name}", command)
        else:
            yield f"{prefix} {name}", command


def _parameters(parameters: list[Any]) -> str:
    shown = [each for each in parameters if not each.hidden and each.name != "help"]
    return table(("Parameter", "Takes", "Default", "What it does"), [_row(each) for each in shown])


def _row(parameter: Any) -> tuple[str, str, str, str]:  # noqa: ANN401
    if parameter.param_type_name == "argument":
        names = parameter.metavar or parameter.name.upper()
    else:
        names = ", ".join([*parameter.opts, *parameter.secondary_opts])
    needed = "needed" if parameter.required else _default(parameter.default)
    return f"`{names}`", _takes(parameter), needed, _help(parameter.help)


def _takes(parameter: Any) -> str:  # noqa: ANN401
    """Say what a value is, and whether there may be several."""
    if getattr(parameter, "is_flag", False):
        return ""
    annotation = parameter.type_descriptor.annotation
    kind = get_args(annotation)[0] if get_origin(annotation) in (list, tuple) else annotation
    said = _kind(kind, parameter)
    return f"{said}, several" if parameter.multiple or parameter.nargs == -1 else said


def _kind(kind: Any, parameter: Any) -> str:  # noqa: ANN401
    if isinstance(kind, type) and issubclass(kind, Enum):
        return " · ".join(f"`{member.value}`" for member in kind)
    bounds = [bound for bound in (parameter.min, parameter.max) if bound is not None]
    name = {"str": "text", "int": "number", "float": "number", "Path": "path", "datetime": "day"}
    said = name.get(getattr(kind, "__name__", ""), "text")
    return f"{said} {' to '.join(f'{bound:g}' for bound in bounds)}" if len(bounds) == 2 else said


def _default(value: Any) -> str:  # noqa: ANN401
    if value is None or value is False or callable(value) or value in ((), [], ""):
        return ""
    if isinstance(value, Path) and value.is_relative_to(ROOT):
        value = value.relative_to(ROOT)
    return f"`{value.value if isinstance(value, Enum) else value}`"


def _help(text: str | None) -> str:
    return " ".join(_plain(text or "").split())


def _first(text: str | None) -> str:
    """Return the first two paragraphs: English, and Chinese."""
    return "\n\n".join(" ".join(part.split()) for part in _plain(text or "").split("\n\n")[:2])


def _plain(text: str) -> str:
    return text.replace("[bold]", "").replace("[/]", "").replace("\b", "")

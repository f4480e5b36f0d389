"""What a command works with: settings, the application, a console and a language."""

import json
import sys
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from kb_server.cli.language import Language, choose_language
from kb_server.config.settings import Settings, load_settings

if TYPE_CHECKING:
    from kb_server.app import Application

JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON for programs. 以 JSON 输出。")]
BaseName = Annotated[str, typer.Argument(metavar="NAME", help="The knowledge base. 知识库名称。")]


class Session:
    """One run of `kb`; everything is made when a command first asks for it."""

    def __init__(self, config: Path | None) -> None:
        self._config = config
        self.console = Console(highlight=False)
        self.errors = Console(stderr=True, highlight=False)

    @cached_property
    def settings(self) -> Settings:
        """The settings of this run."""
        return load_settings(self._config)

    @cached_property
    def app(self) -> "Application":
        """The use cases; imported here so that `kb --help` stays quick."""
        from kb_server.app import Application

        return Application(self.settings)

    @cached_property
    def say(self) -> Language:
        """English or Chinese."""
        return choose_language(self.settings.language)

    def tell(self, values: Mapping[str, Any], *words: str, as_json: bool) -> None:
        """Say what was done, to programs or in words."""
        if as_json:
            print_json(values)
        else:
            self.console.print(*words)

    def close(self) -> None:
        """Close what was opened."""
        if "app" in self.__dict__:
            self.app.close()


def session_of(context: typer.Context) -> Session:
    """Return the session that the root command made."""
    session = context.obj
    if not isinstance(session, Session):
        raise TypeError(f"no session in {context}")
    return session


def print_json(values: Mapping[str, Any]) -> None:
    """Write one JSON object to standard output, as it is for programs: UTF-8, no colours, no wrapping."""
    sys.stdout.write(json.dumps(values, ensure_ascii=False) + "\n")

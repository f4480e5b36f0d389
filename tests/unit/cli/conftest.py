"""Single commands of `kb`, run in this process over an application whose embedder is a toy."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

import pytest
import typer
from typer.testing import CliRunner

from kb_server.cli.language import Language
from kb_server.cli.session import Session
from tests.workshop import Workshop, workshop


class Run(Protocol):
    """Runs one command of a file; a failure is raised as it is."""

    def __call__(self, module: ModuleType, *arguments: str, chinese: bool = False, status: int = 0) -> str:
        """Return what it printed."""
        ...


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workshop]:
    """Return an application with the base `notes`, which has two documents."""
    monkeypatch.setenv("KB_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")
    with workshop(tmp_path / "home") as made:
        made.app.bases.create("notes", embedder="toy")
        made.ingest("notes", tmp_path / "texts", owl="The owl sleeps in the barn.", cat="The cat hunts at night.")
        yield made


@pytest.fixture
def run(shop: Workshop) -> Run:
    """Return what runs a command."""

    def once(module: ModuleType, *arguments: str, chinese: bool = False, status: int = 0) -> str:
        app = typer.Typer(pretty_exceptions_enable=False)
        app.callback()(lambda: None)
        module.register(app)
        session = Session(None)
        session.__dict__.update(app=shop.app, say=Language(chinese))
        done = CliRunner().invoke(app, list(arguments), obj=session)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == status, done.output
        return done.stdout

    return once


def parsed(text: str) -> Any:  # noqa: ANN401 - parsed JSON
    """Return the JSON that a command printed on one line."""
    assert text.count("\n") == 1
    return json.loads(text)

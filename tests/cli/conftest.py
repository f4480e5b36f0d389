"""The command `kb`, run in this process so that the embedder is imported once."""

import io
import json
import os
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kb_server.cli import run
from tests.paths import SAMPLES


@dataclass(frozen=True)
class Result:
    """What a command left: its exit status, and both streams, parsed where they are JSON."""

    status: int
    out: Any
    err: Any


class Kb:
    """`kb(...)` runs one command in a home of its own; keyword arguments are environment variables."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def __call__(self, *arguments: str | Path, **environment: str) -> Result:
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            for name in [name for name in os.environ if name.startswith(("KB_", "LC_", "LANG"))]:
                patch.delenv(name)
            for name, value in {"KB_HOME": str(self.home), "COLUMNS": "200", **environment}.items():
                patch.setenv(name, value)
            status = run([str(argument) for argument in arguments])
        return Result(status, _parsed(out.getvalue()), _parsed(err.getvalue()))

    def json(self, *arguments: str | Path, **environment: str) -> Any:  # noqa: ANN401 - parsed JSON
        """Run a command that must succeed, with `--json`, and return what it printed."""
        result = self(*arguments, "--json", **environment)
        assert result.status == 0, result
        return result.out

    def error(self, *arguments: str | Path, **environment: str) -> tuple[int, dict[str, str]]:
        """Run a command that must fail, with `--json`; return its status and error."""
        result = self(*arguments, "--json", **environment)
        assert set(result.err["error"]) == {"code", "message", "hint"}, result
        assert result.out == ""
        return result.status, result.err["error"]


def _parsed(text: str) -> Any:  # noqa: ANN401 - parsed JSON
    if text.startswith("{"):
        assert text.count("\n") == 1, "JSON takes one line"
        return json.loads(text)
    return text


@pytest.fixture
def kb(tmp_path: Path) -> Kb:
    """Return the command with an empty home."""
    return Kb(tmp_path / "home")


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Kb:
    """Return the command with the base `samples`, into which the samples were ingested once a module."""
    command = Kb(tmp_path_factory.mktemp("stocked") / "home")
    command.json("create", "samples")
    report = command.json("ingest", "samples", SAMPLES)
    assert (report["added"], report["failed"]) == (13, [])
    return command

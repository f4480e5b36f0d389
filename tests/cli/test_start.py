"""Starting `kb`: only what a command needs is imported."""

import subprocess
import sys

import pytest
import typer

from kb_server.cli.app import GROUPS, make_app
from tests.cli.conftest import Kb


def commands(app: typer.Typer) -> set[str]:
    return set(typer.main.get_command(app).commands)  # type: ignore[attr-defined] # typer types it as any command


@pytest.mark.parametrize("group", GROUPS)
def test_every_command_is_found_in_the_file_that_has_it(group: str) -> None:
    for command in GROUPS[group]:
        assert commands(make_app(command)) == set(GROUPS[group])


def test_help_and_unknown_commands_know_all_of_them(kb: Kb) -> None:
    assert commands(make_app()) == {command for group in GROUPS.values() for command in group}
    _, error = kb.error("ingets", "notes")
    assert "ingest" in error["message"]


def test_listing_imports_nothing_heavy(kb: Kb) -> None:
    kb.json("create", "notes")
    program = (
        "import sys; from kb_server.cli import run\n"
        "assert run(['list', '--json']) == 0\n"
        "heavy = 'torch numpy faiss tantivy bs4 alembic pypdfium2 PIL langchain_text_splitters filelock'.split()\n"
        "assert not set(heavy) & set(sys.modules), set(heavy) & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], env={"KB_HOME": str(kb.home)}, check=True)

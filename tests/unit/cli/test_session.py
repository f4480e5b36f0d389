"""What a command works with is made when it is first asked for."""

import json
from pathlib import Path

import pytest
import typer

from kb_server.cli.session import Session, print_json, session_of


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "settings.yaml"
    path.write_text(f"home: {tmp_path / 'home'}\nlanguage: zh\n", "utf-8")
    return path


def test_settings_and_language_come_from_the_file(config: Path, tmp_path: Path) -> None:
    session = Session(config)
    assert session.settings.home == tmp_path / "home"
    assert session.say("Documents", "文档") == "文档"
    assert not (tmp_path / "home").exists(), "to read settings makes nothing"
    session.close()


def test_what_was_never_asked_for_is_not_made_to_be_closed(config: Path) -> None:
    session = Session(config)
    session.close()
    assert "app" not in session.__dict__


def test_what_was_opened_is_closed(config: Path) -> None:
    session = Session(config)
    assert session.app.bases.summaries() == []
    session.close()


def test_programs_get_one_line_of_json_and_people_words(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    session = Session(config)
    session.tell({"name": "笔记", "count": 2}, "[bold]done[/]", as_json=True)
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert "笔记" in out
    assert json.loads(out) == {"name": "笔记", "count": 2}
    session.tell({"name": "x"}, "two words", as_json=False)
    assert capsys.readouterr().out == "two words\n"
    print_json({"text": "a" * 500})
    assert capsys.readouterr().out.count("\n") == 1


def test_a_command_without_a_session_is_a_fault_of_ours() -> None:
    app = typer.Typer()
    app.callback()(lambda: None)
    context = typer.Context(typer.main.get_command(app))
    with pytest.raises(TypeError, match="no session"):
        session_of(context)
    context.obj = Session(None)
    assert session_of(context) is context.obj

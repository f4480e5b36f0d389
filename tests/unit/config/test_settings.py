"""Settings: where they come from, which wins, and what is said of a wrong one."""

from collections.abc import Callable
from pathlib import Path

import pytest

from kb_server.config.settings import Settings, load_settings
from kb_server.core.errors import InvalidSetting, UnknownSetting
from tests.paths import CONFIGS

DEFAULTS = CONFIGS / "default.yaml"


@pytest.fixture(autouse=True)
def _no_settings_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in [name for name in os.environ if name.startswith("KB_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        file = tmp_path / "settings.yaml"
        file.write_text(text, "utf-8")
        return file

    return write


def test_the_default_file_says_what_the_defaults_are() -> None:
    assert load_settings(DEFAULTS).model_dump() == load_settings().model_dump()


def test_arguments_before_environment_before_file(
    monkeypatch: pytest.MonkeyPatch, written: Callable[[str], Path]
) -> None:
    file = written("retrieval: {k: 7}\nsplitting: {size: 300, overlap: 10}\n")
    assert load_settings(file).retrieval.k == 7
    monkeypatch.setenv("KB_RETRIEVAL__K", "8")
    monkeypatch.setenv("KB_SPLITTING__SIZE", "400")
    both = load_settings(file)
    assert both.retrieval.k == 8
    assert (both.splitting.size, both.splitting.overlap) == (400, 10), "a section is merged key by key"
    assert load_settings(file, {"retrieval": {"k": 9}}).retrieval.k == 9


def test_the_environment_names_the_file(monkeypatch: pytest.MonkeyPatch, written: Callable[[str], Path]) -> None:
    monkeypatch.setenv("KB_CONFIG", str(written("language: zh\n")))
    assert load_settings().language == "zh"


def test_an_empty_file_changes_nothing(written: Callable[[str], Path]) -> None:
    assert load_settings(written("")).model_dump() == load_settings().model_dump()


def test_the_catalog_lies_at_home_unless_set(tmp_path: Path) -> None:
    assert load_settings(arguments={"home": tmp_path}).catalog_url == f"sqlite:///{tmp_path / 'catalog.db'}"
    assert Settings(catalog="sqlite://").catalog_url == "sqlite://"


@pytest.mark.parametrize(
    ("text", "key", "hint"),
    [
        ("retrieval: {kk: 3}\n", "retrieval.kk", "retrieval.k"),
        ("langauge: zh\n", "langauge", "language"),
    ],
)
def test_an_unknown_key_is_named_with_the_nearest(
    written: Callable[[str], Path], text: str, key: str, hint: str
) -> None:
    with pytest.raises(UnknownSetting, match=f"'{key}'") as caught:
        load_settings(written(text))
    assert f"'{hint}'" in caught.value.hint


@pytest.mark.parametrize("name", ["KB_HOEM", "KB_RETRIVAL__K", "KB_RETRIEVAL__KK"])
def test_an_unknown_variable_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "3")
    with pytest.raises(UnknownSetting):
        load_settings()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("retrieval: {k: 0}\n", "retrieval.k.*'0'"),
        ("retrieval: {k: many}\n", "retrieval.k.*'many'"),
        ("retrieval: 5\n", "retrieval"),
        ("language: fr\n", "language.*'fr'"),
        ("- a\n- b\n", "holds no keys"),
        ("a: [\n", "not valid YAML"),
    ],
)
def test_a_wrong_value_is_named(written: Callable[[str], Path], text: str, words: str) -> None:
    with pytest.raises(InvalidSetting, match=words):
        load_settings(written(text))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting, match=r"missing\.yaml"):
        load_settings(tmp_path / "missing.yaml")


def test_a_key_that_was_given_up_is_said_and_does_no_harm(
    written: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    others = "others: [{name: big, model: b, queue: 3}]"
    settings = load_settings(written(f"generation: {{parallel: 2, queue: 9, {others}}}\n"))
    assert settings.generation.parallel == 2
    assert [record.message for record in caplog.records] == [caplog.records[0].message] * 2
    assert "service.chats_waiting" in caplog.records[0].message
    monkeypatch.setenv("KB_GENERATION__QUEUE", "5")
    assert load_settings().generation == Settings().generation

"""Backends of other packages: one class and one entry point, with options and a description of their own."""

import json
import re
import sys
from collections.abc import Iterator
from importlib import invalidate_caches
from pathlib import Path
from textwrap import dedent

import pytest
from typer.testing import CliRunner

from kb_server.cli.app import make_app
from kb_server.config.registry import describe_store, find_backend
from kb_server.config.settings import load_settings
from kb_server.core.errors import InvalidSetting, UnknownSetting
from kb_server.core.ports import VectorStore
from tests.workshop import workshop

STORES = """
    import json
    from pathlib import Path
    from typing import Annotated, Any, Literal

    import numpy as np
    from pydantic import Field

    from vectorstores.memory import MemoryStore


    class ShelfStore(MemoryStore):
        '''Keeps what is flushed in a file of JSON; `where` has no default.'''

        def __init__(self, folder: Path, dimension: int, where: str, boards: Annotated[int, Field(ge=1)] = 3,
                     wood: Literal["oak", "pine"] = "oak", anything=None, **others: Any) -> None:
            super().__init__(dimension)
            self.options = {"where": where, "boards": boards, "wood": wood, "others": others}
            self._file = folder / "shelf.json"
            if self._file.exists():
                rows = json.loads(self._file.read_text())
                self.add([int(id_) for id_ in rows], np.array(list(rows.values()), np.float32).reshape(-1, dimension))

        def flush(self) -> None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._file.write_text(json.dumps({id_: row.tolist() for id_, row in self._vectors.items()}))

        @staticmethod
        def describe(folder: Path, boards: int = 3, **options: Any) -> dict[str, Any]:
            return {"kind": "shelf", "parameters": {"boards": boards}, "recall@10": 1.0}


    class SilentStore(MemoryStore):
        '''Says nothing of itself.'''

        def __init__(self, folder: Path, dimension: int) -> None:
            super().__init__(dimension)


    class Echo:
        '''A language model that repeats what it reads.'''

        def __init__(self, model: str, device: str = "auto", times: int = 1) -> None:
            self.name, self.times = model, times
"""
ENTRY_POINTS = """
    [kb_server.store]
    shelf = shelves:ShelfStore
    silent = shelves:SilentStore
    faiss = shelves:SilentStore
    broken = shelves:NoSuchStore
    [kb_server.generator]
    echo = shelves:Echo
"""


@pytest.fixture(autouse=True)
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Install a package as pip would: a module, and beside it what it registers."""
    site = tmp_path / "site"
    installed = site / "shelves-1.0.dist-info"
    installed.mkdir(parents=True)
    (site / "shelves.py").write_text(dedent(STORES), "utf-8")
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: shelves\nVersion: 1.0\n", "utf-8")
    (installed / "entry_points.txt").write_text(dedent(ENTRY_POINTS), "utf-8")
    monkeypatch.syspath_prepend(site)
    yield site
    sys.modules.pop("shelves", None)
    invalidate_caches()


@pytest.fixture
def settings_file(tmp_path: Path) -> Path:
    file = tmp_path / "settings.yaml"
    file.write_text("store: {backend: shelf, shelf: {where: hall, boards: '5'}}\n", "utf-8")
    return file


def test_a_plug_in_gets_its_options_typed(settings_file: Path, tmp_path: Path) -> None:
    options = load_settings(settings_file).store.options("shelf")
    assert options == {"where": "hall", "boards": 5}
    made = find_backend("store", "shelf")(folder=tmp_path, dimension=4, **options)
    assert made.options == {"where": "hall", "boards": 5, "wood": "oak", "others": {}}


def test_the_environment_gives_options_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KB_STORE__SHELF__WHERE", "attic")
    monkeypatch.setenv("KB_STORE__SHELF__BOARDS", "7")
    assert load_settings().store.options("shelf") == {"where": "attic", "boards": 7}


@pytest.mark.parametrize(
    ("options", "error", "words", "hint"),
    [
        ("shelf: {where: hall, bords: 5}", UnknownSetting, r"'store\.shelf\.bords'", r"store\.shelf\.boards"),
        ("shelf: {where: hall, folder: /}", UnknownSetting, r"'store\.shelf\.folder'", ""),
        ("shelf: {where: hall, boards: 0}", InvalidSetting, r"'store\.shelf\.boards' cannot be '0'", "where, boards"),
        ("shelf: {where: hall, wood: elm}", InvalidSetting, r"'store\.shelf\.wood' cannot be 'elm'", "ShelfStore"),
        ("shelf: {boards: 2}", InvalidSetting, r"'store\.shelf\.where' is missing", "ShelfStore"),
        ("shelf: 5", InvalidSetting, r"'store\.shelf' cannot be '5'", "ShelfStore"),
        ("silent: {loud: true}", UnknownSetting, r"'store\.silent\.loud'", "options: none"),
        ("shelv: {where: hall}", UnknownSetting, r"'store\.shelv'", ""),
        ("broken: {}", InvalidSetting, "'broken' cannot be loaded from shelves:NoSuchStore", "Install"),
        ("faiss: {loud: true}", UnknownSetting, r"'store\.faiss\.loud'", ""),
    ],
)
def test_wrong_options_are_named_when_settings_are_read(
    tmp_path: Path, options: str, error: type[InvalidSetting], words: str, hint: str
) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(f"store: {{{options}}}\n", "utf-8")
    with pytest.raises(error, match=words) as caught:
        load_settings(file)
    if hint:
        assert re.search(hint, caught.value.hint)


def test_a_missing_option_is_named_when_the_store_is_opened() -> None:
    with pytest.raises(InvalidSetting, match=r"'store\.shelf\.where' is missing"):
        load_settings().store.options("shelf")


def test_other_ports_have_plug_ins_with_options(tmp_path: Path) -> None:
    from kb_server.config.models import Models

    values = {"backend": "echo", "model": "parrot", "echo": {"times": "3"}}
    made = Models(load_settings(arguments={"generation": values})).generator()
    assert (made.name, vars(made)["times"]) == ("parrot", 3)
    file = tmp_path / "others.yaml"
    other = "{name: second, backend: echo, echo: {tims: 3}}"
    file.write_text(f"generation: {{others: [{other}]}}\n", "utf-8")
    with pytest.raises(UnknownSetting, match=r"'generation\.others\.0\.echo\.tims'"):
        load_settings(file)


def test_ours_goes_before_a_plug_in_of_the_same_name() -> None:
    assert find_backend("store", "faiss").__module__.startswith("vectorstores.")


def test_unknown_names_are_told_with_the_plug_ins_there_are() -> None:
    with pytest.raises(InvalidSetting, match="no store named 'shelf2'") as caught:
        find_backend("store", "shelf2")
    assert "milvus, shelf, silent" in caught.value.hint


def test_descriptions(tmp_path: Path) -> None:
    unknown: dict[str, object] = {"kind": None, "parameters": {}, "recall@10": None}
    assert describe_store("shelf", tmp_path, {"boards": 2})["parameters"] == {"boards": 2}
    assert describe_store("silent", tmp_path, {}) == unknown
    assert describe_store("never-installed", tmp_path, {}) == unknown
    assert describe_store("faiss", tmp_path, {})["kind"] == "exact"


def test_the_main_job_with_a_plug_in(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with workshop(home, store={"backend": "shelf", "shelf": {"where": "hall"}}) as shop:
        shop.app.bases.create("papers", "shelf", "toy")
        shop.app.bases.create("quiet", "silent", "toy")
        shop.ingest("papers", tmp_path / "files", owl="The owl is called Minerva.")
        shop.state("papers")
        assert shop.found("papers", "Minerva")[0][0] == "owl.txt"
        store: VectorStore = shop.app.bases.open("papers").store
        assert type(store).__name__ == "ShelfStore"
        assert len(store) == 1


def test_kb_list_shows_stores_that_say_nothing_of_themselves(
    tmp_path: Path, settings_file: Path, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    with workshop(home, store={"shelf": {"where": "hall"}}) as shop:
        for store in ("shelf", "silent", "faiss"):
            shop.app.bases.create(f"with-{store}", store, "toy")
    monkeypatch.setenv("KB_HOME", str(home))
    listed = _listed("--config", str(settings_file))
    assert {name: index["kind"] for name, index in listed.items()} == {
        "with-faiss": "exact", "with-shelf": "shelf", "with-silent": None,
    }  # fmt: skip
    assert listed["with-silent"] == {"dimension": 32, "kind": None, "parameters": {}, "recall@10": None}
    (package / "shelves-1.0.dist-info" / "entry_points.txt").unlink()
    invalidate_caches()
    assert _listed()["with-shelf"]["kind"] is None, "its package is gone, and the base is listed"


def _listed(*options: str) -> dict[str, dict[str, object]]:
    done = CliRunner().invoke(make_app(), [*options, "list", "--json"])
    assert done.exit_code == 0, done.output
    return {base["name"]: base["index"] for base in json.loads(done.stdout)["knowledge_bases"]}

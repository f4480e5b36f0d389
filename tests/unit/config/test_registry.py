"""Backends by name, ours and those of others."""

import sys
from pathlib import Path

import pytest

from kb_server.config.registry import BACKENDS, BackendSection, backend_options, find_backend
from kb_server.core.errors import InvalidSetting


@pytest.mark.parametrize(("port", "name"), [(port, name) for port, names in BACKENDS.items() for name in names])
def test_every_backend_that_is_listed_is_there(port: str, name: str) -> None:
    if (port, name) == ("generator", "llama_cpp"):
        pytest.importorskip("llama_cpp", reason="it compiles")
    assert callable(find_backend(port, name))


@pytest.mark.parametrize("port", ["store", "embedder"])
def test_an_unknown_name_says_which_are_known(port: str) -> None:
    with pytest.raises(InvalidSetting, match=f"There is no {port} named 'none'") as caught:
        find_backend(port, "none")
    assert ", ".join(sorted(BACKENDS[port])) in caught.value.hint


def test_a_package_may_register_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[kb_server.store]\nmine = plugged_in:MyStore\n")
    (tmp_path / "plugged_in.py").write_text("class MyStore: ...\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert find_backend("store", "mine") is sys.modules["plugged_in"].MyStore
    with pytest.raises(InvalidSetting):
        find_backend("reranker", "mine")


class _Section(BackendSection):
    PORT = "embedder"

    backend: str = "small"
    size: int = 10
    color: str = "red"


class _Small:
    def __init__(self, name: str, size: int) -> None: ...


def test_a_backend_gets_the_settings_that_it_takes() -> None:
    assert backend_options(_Small, _Section(size=3), "part", ["backend"]) == {"size": 3}


def test_a_setting_that_it_does_not_take_may_keep_its_default_but_not_be_set() -> None:
    with pytest.raises(InvalidSetting, match=r"The backend 'small' has no setting part\.color; it is 'blue'") as caught:
        backend_options(_Small, _Section(color="blue"), "part", ["backend"])
    assert "it takes size" in caught.value.hint
    assert backend_options(_Small, _Section(color="blue"), "part", ["backend", "color"]) == {"size": 10}

"""The page's process: where it listens, and what is said before it is started in vain."""

import importlib.machinery
import importlib.util
import socket
from pathlib import Path

import pytest

from kb_server.cli.page_process import PageProcess, service_url
from kb_server.config.settings import Settings, load_settings
from kb_server.core.errors import MissingExtra, UsageError


def _settings(home: Path, **sections: object) -> Settings:
    return load_settings(arguments={"home": home, **sections})


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:7861"),
        ("0.0.0.0", "http://127.0.0.1:7861"),  # noqa: S104 - listened on by no one here
        ("::", "http://127.0.0.1:7861"),
        ("::1", "http://[::1]:7861"),
        ("kb.example.org", "http://kb.example.org:7861"),
    ],
)
def test_the_service_is_reached_where_it_listens(tmp_path: Path, host: str, url: str) -> None:
    settings = _settings(tmp_path, service={"host": host, "port": 7861})
    assert service_url(settings) == url
    assert service_url(settings, 9) == url.replace("7861", "9")


def test_an_address_that_was_set_goes_before(tmp_path: Path) -> None:
    settings = _settings(tmp_path, page={"service": "https://kb.example.org"})
    assert service_url(settings, 9) == "https://kb.example.org"


def test_a_port_that_is_taken_is_said_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=rf"cannot listen on 127\.0\.0\.1:{port}.*KB_PAGE__PORT"):
            PageProcess(_settings(tmp_path, page={"host": "127.0.0.1", "port": port}), "http://127.0.0.1:1")


def test_without_streamlit_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec

    def without(name: str, package: str | None = None) -> importlib.machinery.ModuleSpec | None:
        return None if name == "streamlit" else find(name, package)

    monkeypatch.setattr("importlib.util.find_spec", without)
    with pytest.raises(MissingExtra, match=r"pip install 'kb-server\[page\]'"):
        PageProcess(_settings(tmp_path), "http://127.0.0.1:1")

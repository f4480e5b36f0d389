"""Errors over HTTP."""

from collections.abc import Iterator

from fastapi import FastAPI
from fastapi.testclient import TestClient

from kb_server.api.errors import STATUS, Problems, chatchat_error, openai_error, public_message
from kb_server.core import errors
from kb_server.core.errors import KbError, NotFound, StorageError, TryLater


def _tree(kind: type[KbError]) -> Iterator[type[KbError]]:
    for child in kind.__subclasses__():
        yield child
        yield from _tree(child)


def test_every_error_has_a_status() -> None:
    codes = {kind.code for kind in _tree(errors.KbError) if kind.__module__ == errors.__name__}
    assert codes == set(STATUS)
    assert all(400 <= status < 600 for status in STATUS.values())


def test_what_names_paths_is_not_told() -> None:
    secret = StorageError("The catalog sqlite:////srv/kb/catalog.db cannot be used: no such table: documents.")
    assert "srv" not in public_message(secret)
    assert "documents" not in public_message(secret)
    assert public_message(NotFound("There is no job 'x'.")) == "There is no job 'x'."


def test_a_service_with_too_much_to_do_says_when_to_ask_again() -> None:
    app = FastAPI()
    Problems({}).install(app)

    @app.get("/ask")
    def ask() -> None:
        raise TryLater("20 questions wait.", "Ask again in 42 s.", seconds=42)

    answer = TestClient(app).get("/ask")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "42")


def test_other_systems_shapes() -> None:
    assert openai_error(404, "not_found", "No.", "Look.") == {
        "error": {"message": "No. Look.", "type": "not_found_error", "param": None, "code": "not_found"}
    }
    assert chatchat_error(404, "not_found", "没有。", "") == {"code": 404, "msg": "没有。", "data": None}

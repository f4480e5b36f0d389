"""docs/reference/http.md: every route, with what its key may do at least and what its body has."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient

from kb_server.access.keys import Scope
from kb_server.api.app import create_app
from kb_server.app import Application
from kb_server.config.settings import Settings
from tests.reference.pages import table

_INTRODUCTION = """# The service's routes 接口参考

*Key* is the least that a key must be allowed: read, write, admin, or none for routes that need no key; it was found by
asking a running service with such keys. A name with `?` may be left out of the body. How to use them is in
[api.md](../api.md).
"""


def http_page() -> str:
    """Return the page."""
    with _running() as (app, keys):
        spec = app.openapi()
        groups: dict[str, list[tuple[str, ...]]] = {}
        with TestClient(app, raise_server_exceptions=False) as client:
            for path, methods in spec["paths"].items():
                for method, operation in methods.items():
                    needs = _least_key(client, keys, method, path)
                    row = (f"`{method.upper()} {path}`", needs, _said(operation), _body(spec, operation))
                    groups.setdefault(operation.get("tags", ["other"])[0], []).append(row)
    parts = [f"## {tag}\n\n{table(('Route', 'Key', 'What it does', 'Body'), rows)}" for tag, rows in groups.items()]
    return "\n".join([_INTRODUCTION, *parts]).rstrip() + "\n"


@contextmanager
def _running() -> Iterator[tuple[FastAPI, dict[str, str]]]:
    """Yield a service on an empty home, and a key of each scope."""
    with TemporaryDirectory() as home:
        settings = Settings.model_validate({"home": Path(home), "service": {"requests_per_minute": 100_000}})
        application = Application(settings)
        app = create_app(application)
        yield app, {scope.value: application.access.create(scope.value, scope) for scope in Scope}
        application.close()


def _least_key(client: TestClient, keys: dict[str, str], method: str, path: str) -> str:
    """Try no key, then each from the weakest on; a body that is empty keeps anything from being done."""
    url = path.replace("{", "").replace("}", "")
    if client.request(method, url).status_code != HTTPStatus.UNAUTHORIZED:
        return "none"
    for scope in Scope:
        answer = client.request(method, url, headers={"Authorization": f"Bearer {keys[scope.value]}"})
        if answer.status_code != HTTPStatus.FORBIDDEN:
            return scope.value
    raise AssertionError(f"No key may call {method} {path}.")


def _said(operation: dict[str, Any]) -> str:
    description: str = operation.get("description", "")
    return description.split("\n\n")[0]


def _body(spec: dict[str, Any], operation: dict[str, Any]) -> str:
    """Return the names in the body, with a question mark where one may be left out."""
    content: dict[str, Any] = operation.get("requestBody", {}).get("content", {})
    for media, described in content.items():
        schema = described["schema"]
        if "$ref" in schema:
            schema = spec["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        needed = schema.get("required", [])
        names = ", ".join(f"`{name}`" if name in needed else f"`{name}`?" for name in schema.get("properties", {}))
        return names if media == "application/json" else f"{names} ({media})"
    return ""

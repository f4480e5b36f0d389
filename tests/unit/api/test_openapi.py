"""The description of the API: every JSON body has an example, and the example is one that is taken."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # installed with schemathesis, without its stubs
import pytest

from kb_server.api.app import create_app
from kb_server.app import Application
from kb_server.config.settings import Settings


@pytest.fixture
def spec(tmp_path: Path) -> Iterator[dict[str, Any]]:
    application = Application(Settings(home=tmp_path))
    app = create_app(application)
    yield app.openapi()
    app.state.service.close()
    application.close()


def _bodies(spec: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in spec["paths"].items():
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if content and "$ref" in content["schema"]:
                yield f"{method} {path}", spec["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]


def test_every_body_has_an_example_that_is_valid(spec: dict[str, Any]) -> None:
    seen = 0
    for place, schema in _bodies(spec):
        assert schema.get("examples"), place
        for example in schema["examples"]:
            jsonschema.validate(example, {**schema, "components": spec["components"]})
            seen += 1
    assert seen > 25


def test_every_route_says_what_it_does_and_how_it_fails(spec: dict[str, Any]) -> None:
    for path, methods in spec["paths"].items():
        for method, operation in methods.items():
            assert operation["description"].endswith("."), (method, path)
            assert {"4XX", "5XX"} <= set(operation["responses"]), (method, path)

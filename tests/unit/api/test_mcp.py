"""The MCP server's guard: the same check of keys as our own routes, once for each request."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kb_server.access.keys import Scope
from kb_server.api.service import Service, make_service
from tests.workshop import workshop

pytest.importorskip("mcp", reason="needs the extra `mcp`")

from fastapi.testclient import TestClient

from kb_server.api.mcp import make_http_app

A_MINUTE = 6


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with workshop(tmp_path / "home", service={"requests_per_minute": A_MINUTE}) as made:
        made.app.bases.create("notes", embedder="toy")
        service = make_service(made.app)
        yield service
        service.close()


def listed(client: TestClient, headers: dict[str, str]) -> tuple[int, Any]:
    """List the bases by the tool; returns the status and the body."""
    call = {"name": "list_knowledge_bases", "arguments": {}}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
    accepted = {"Accept": "application/json, text/event-stream"}
    answered = client.post("/mcp", json=body, headers={**headers, **accepted})
    return answered.status_code, answered.json()


def test_a_key_is_taken_from_either_header_and_counted_once(service: Service) -> None:
    key = service.app.access.create("mine", Scope.READ)
    with TestClient(make_http_app(service, "127.0.0.1"), client=("10.0.0.1", 1)) as client:
        for number in range(A_MINUTE):
            headers = {"X-API-Key": key} if number % 2 else {"Authorization": f"Bearer {key}"}
            status, body = listed(client, headers)
            assert status == 200, body
            assert body["result"]["structuredContent"]["knowledge_bases"][0]["name"] == "notes"
        assert listed(client, {"X-API-Key": key})[0] == 429


def test_wrong_keys_are_counted_against_where_they_come_from(service: Service) -> None:
    key = service.app.access.create("mine", Scope.READ)
    app = make_http_app(service, "127.0.0.1")
    with TestClient(app, client=("10.0.0.1", 1)) as guessing:
        for _ in range(A_MINUTE):
            assert listed(guessing, {"Authorization": "Bearer kb_0_0"})[0] == 401
        assert listed(guessing, {})[0] == 429
        elsewhere = TestClient(app, client=("10.0.0.2", 1))
        assert listed(elsewhere, {})[0] == 401
        assert listed(elsewhere, {"X-API-Key": key})[0] == 200

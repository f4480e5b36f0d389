"""Every field of every route, fuzzed from the OpenAPI description: no error of the server's own, no hang."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.core.result import Ok

from tests.api.conftest import Server, finished, upload

pytestmark = pytest.mark.slow

EXAMPLES = int(os.environ.get("EXAMPLES", "25"))
HONEST = {501, 503, 507}


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a server with a base of every schema's example name."""
    server = Server(tmp_path_factory.mktemp("fuzz") / "home", KB_SERVICE__REQUESTS_PER_MINUTE="1000000")
    with server.client() as client:
        assert client.post("/api/v1/knowledge-bases", json={"name": "handbook"}).status_code == 201
        finished(client, upload(client, "handbook", {"a.txt": "Anna signs travel requests."})["id"], 300)
        body = {"knowledge_base": "handbook", "question": "Who signs?", "mode": "generate", "stream": False}
        assert client.post("/api/v1/chat", json=body, timeout=300).status_code == 200  # loads the models
    yield server
    server.stop()


def test_no_request_breaks_the_server(fuzzed: Server) -> None:
    headers = {"Authorization": f"Bearer {fuzzed.key}"}
    spec = schemathesis.openapi.from_url(f"{fuzzed.url}/openapi.json")
    tried: list[str] = []
    for result in spec.get_all_operations():
        assert isinstance(result, Ok), result
        operation = result.ok()

        @given(case=operation.as_strategy())
        @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        def never_breaks(case: schemathesis.Case[Any]) -> None:
            response = case.call(headers=headers, timeout=120)
            assert response.status_code < 500 or response.status_code in HONEST, response.text
            assert fuzzed.process.poll() is None

        never_breaks()
        tried.append(operation.label)
    assert len(tried) > 40, tried

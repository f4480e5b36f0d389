"""Every field of every route, fuzzed from the OpenAPI description: no error of the server's own, no hang."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings

from tests.api.conftest import Server, finished, upload

pytestmark = pytest.mark.slow

HONEST = {501, 503, 507}


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a server with a base of every schema's example name."""
    server = Server(tmp_path_factory.mktemp("fuzz") / "home", KB_SERVICE__REQUESTS_PER_MINUTE="1000000")
    with server.client() as client:
        assert client.post("/api/v1/knowledge-bases", json={"name": "handbook"}).status_code == 201
        finished(client, upload(client, "handbook", {"a.txt": "Anna signs travel requests."})["id"])
    yield server
    server.stop()


@pytest.fixture(scope="module")
def spec(fuzzed: Server) -> Any:  # noqa: ANN401 - schemathesis' own
    """Return the description that the server gives of itself."""
    return schemathesis.openapi.from_url(f"{fuzzed.url}/openapi.json")


described = schemathesis.pytest.from_fixture("spec")


@described.parametrize()
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_request_breaks_the_server(case: schemathesis.Case, fuzzed: Server) -> None:
    headers = {"Authorization": f"Bearer {fuzzed.key}"}
    response = case.call(headers=headers, timeout=30)
    assert response.status_code < 500 or response.status_code in HONEST, response.text
    assert fuzzed.process.poll() is None

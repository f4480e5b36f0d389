"""A datastore for kNN-LM built over HTTP, with a tiny model."""

from collections.abc import Iterator

import httpx
import pytest

from tests.api.conftest import HANDBOOK, Server, finished, problem, upload
from tests.models.tiny import tiny_model

pytest.importorskip("torch", reason="needs the extra `generate`")

PLACE = "/api/v1/knowledge-bases/handbook/knn"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a server whose language model is a tiny one."""
    folder = tmp_path_factory.mktemp("knn")
    tiny_model(folder / "tiny", "gpt2", n_positions=8192)
    settings = {"MODEL": str(folder / "tiny"), "MAX_TOKENS": "8", "THREADS": "1"}
    running = Server(folder / "home", **{f"KB_GENERATION__{name}": value for name, value in settings.items()})
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[httpx.Client]:
    """Return a client, and a base with the handbook."""
    with server.client() as made:
        made.post("/api/v1/knowledge-bases", json={"name": "handbook"})
        finished(made, upload(made, "handbook", HANDBOOK)["id"])
        yield made


def test_a_datastore_is_built_tuned_and_kept_in_step(server: Server, client: httpx.Client) -> None:
    assert client.get(PLACE).json() == {"possible": True, "datastores": []}
    with server.client(server.new_key("read")) as reader:
        problem(reader.post(PLACE, json={}), 403, "forbidden")
    asked = client.post(PLACE, json={"tune": True})
    assert (asked.status_code, asked.json()["kind"]) == (202, "knn")
    over = finished(client, asked.json()["id"])
    assert (over["state"], over["done"], over["total"]) == ("done", 2, 2), over
    result = over["result"]
    assert result["keys"] > 100
    assert result["tuned"]["mixing"]["k"] >= 1

    (datastore,) = client.get(PLACE).json()["datastores"]
    assert datastore["bytes"] > 0
    assert datastore["tuned"] == result["tuned"]["mixing"]
    body = {"knowledge_base": "handbook", "question": "How is the device reset?", "knn_lm": True, "stream": False}
    assert client.post("/api/v1/chat", json=body).json()["knn_lm"]["keys"] > 0

    again = finished(client, client.post(PLACE, json={}).json()["id"])["result"]
    assert (again["read"], again["keys"], again["tuned"]) == (0, result["keys"], None)
    anew = finished(client, client.post(PLACE, json={"anew": True}).json()["id"])["result"]
    assert (anew["read"], anew["keys"]) == (result["read"], result["keys"])
    assert client.get(PLACE).json()["datastores"][0]["tuned"] is None

"""`"knn_lm"` in the chat and OpenAI-compatible routes, with a tiny model in this process."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from kb_server.api.app import create_app
from tests.models.tiny import tiny_model
from tests.workshop import workshop

pytest.importorskip("torch", reason="needs the extra `generate`")

QUESTION = "Who signs the travel requests?"
TEXT = "The head of the office signs travel requests. Requests are sent by mail."


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    home = tmp_path_factory.mktemp("knn")
    folder = tiny_model(home / "tiny", "gpt2", n_positions=8192)
    generation = {"model": str(folder), "max_tokens": 8, "threads": 1}
    with workshop(home / "home", generation=generation, service={"auth": False}) as made:
        for name in ("notes", "bare"):
            made.app.bases.create(name, embedder="toy")
            made.ingest(name, home / name, travel=TEXT)
        made.app.knn_lm.of("notes").build()
        with TestClient(create_app(made.app)) as client:
            yield client


def chat(client: TestClient, base: str = "notes", **more: object) -> dict[str, object]:
    body = {"knowledge_base": base, "question": QUESTION, "stream": False, **more}
    answered = client.post("/api/v1/chat", json=body)
    assert answered.status_code == 200, answered.text
    found: dict[str, object] = answered.json()
    return found


def test_the_chat_says_where_each_token_came_from(client: TestClient) -> None:
    answer = chat(client, knn_lm={"lambda": 0.9, "temperature": 0.5})
    trace = answer["knn_lm"]
    assert isinstance(trace, dict)
    assert answer["mode"] == "generate"
    assert trace["keys"] == len(TEXT)
    assert len(trace["tokens"]) == 8
    for token in trace["tokens"]:
        assert token["lambda"] == 0.9
        assert {"token", "mass", "probability", "entropy", "decided", "document", "offset", "start"} < set(token)
        for source in token["sources"]:
            assert TEXT[source["start"]] == token["token"]
            assert source["document"] == "travel.txt"
    assert any(token["decided"] for token in trace["tokens"])
    assert chat(client)["knn_lm"] is None
    assert chat(client, knn_lm=True)["knn_lm"]
    assert chat(client, knn_lm=False, mode="generate")["knn_lm"] is None


def test_neighbours_may_come_from_the_best_sentence_only(client: TestClient) -> None:
    options = {"sentences": 1, "lambda": 0.9}
    trace = chat(client, knn_lm=options)["knn_lm"]
    sentence = TEXT.split(". ")[0] + "."
    assert isinstance(trace, dict)
    assert trace["keys"] == len(sentence)
    assert {source["start"] < len(sentence) for token in trace["tokens"] for source in token["sources"]} == {True}
    both = chat(client, knn_lm={**options, "sentences": 2})["knn_lm"]
    assert isinstance(both, dict)
    assert both["keys"] == len(TEXT.replace(". ", "."))


def test_a_stream_ends_with_it_and_a_kept_message_has_it(client: TestClient) -> None:
    body = {"knowledge_base": "notes", "question": QUESTION, "keep": True, "knn_lm": {"scope": "all", "lambda": 0.9}}
    with client.stream("POST", "/api/v1/chat", json=body) as stream:
        done = [json.loads(line.removeprefix("data:")) for line in stream.iter_lines() if line.startswith("data:")][-1]
    assert done["knn_lm"]["keys"] == len(TEXT)
    kept = client.get(f"/api/v1/conversations/{done['conversation_id']}").json()
    assert kept["messages"][-1]["answer"]["knn_lm"] == done["knn_lm"]


def test_openai_clients_get_it_beside_the_references(client: TestClient) -> None:
    body = {"model": "notes", "messages": [{"role": "user", "content": QUESTION}], "knn_lm": {"lambda": 0.9}}
    message = client.post("/v1/chat/completions", json=body).json()["choices"][0]["message"]
    assert len(message["knn_lm"]["tokens"]) == 8
    plain = client.post("/v1/chat/completions", json={**body, "knn_lm": None}).json()
    assert "knn_lm" not in plain["choices"][0]["message"]
    completed = client.post("/v1/completions", json={"model": "notes", "prompt": QUESTION, "knn_lm": True}).json()
    assert completed["choices"][0]["knn_lm"]["keys"] == len(TEXT)


def test_what_cannot_be_is_an_error(client: TestClient) -> None:
    ask = {"question": QUESTION, "stream": False}
    missing = client.post("/api/v1/chat", json={**ask, "knowledge_base": "bare", "knn_lm": True})
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
    extract = client.post("/api/v1/chat", json={**ask, "knowledge_base": "notes", "knn_lm": True, "mode": "extract"})
    assert (extract.status_code, extract.json()["code"]) == (400, "usage")
    unknown = client.post("/api/v1/chat", json={**ask, "knowledge_base": "notes", "knn_lm": {"lamda": 1}})
    assert unknown.status_code == 422
    for sentences in (0, 101, "all"):
        body = {**ask, "knowledge_base": "notes", "knn_lm": {"sentences": sentences}}
        assert client.post("/api/v1/chat", json=body).status_code == 422
    whole = {**ask, "knowledge_base": "notes", "knn_lm": {"sentences": 1, "scope": "all"}}
    assert client.post("/api/v1/chat", json=whole).json()["code"] == "usage"


def test_a_model_without_hidden_states_is_refused_before_a_job_is_made(tmp_path: Path) -> None:
    generation = {"backend": "langchain", "model": "m", "url": "http://127.0.0.1:9/v1"}
    with workshop(tmp_path / "home", generation=generation, service={"auth": False}) as made:
        made.app.bases.create("notes", embedder="toy")
        with TestClient(create_app(made.app)) as client:
            place = "/api/v1/knowledge-bases/notes/knn"
            assert client.get(place).json() == {"possible": False, "datastores": []}
            refused = client.post(place, json={})
            assert (refused.status_code, refused.json()["code"]) == (400, "usage")
            assert "hidden states" in refused.json()["detail"]
            assert client.get("/api/v1/jobs").json() == {"jobs": []}

"""Agent mode over HTTP: steps as events, kept conversations, and clear errors."""

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.api.conftest import Server, events, finished, problem, upload
from tests.models.tool_calling_server import ToolCallingServer, returned, serving

pytest.importorskip("langchain_openai", reason="needs the extra `agent`")


@pytest.fixture(scope="module")
def model() -> Iterator[ToolCallingServer]:
    with serving() as made:
        yield made


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, model: ToolCallingServer) -> Iterator[httpx.Client]:
    server = Server(
        tmp_path_factory.mktemp("agent") / "home",
        KB_GENERATION__BACKEND="langchain",
        KB_GENERATION__MODEL="m",
        KB_GENERATION__URL=model.url,
        KB_AGENT__CALLS="3",
    )
    with server.client() as admin:
        assert admin.post("/api/v1/knowledge-bases", json={"name": "prices"}).status_code == 201
        finished(admin, upload(admin, "prices", {"pump.txt": "The red pump costs 1200 euros."})["id"])
        yield admin
    assert server.stop() == 0


def _script(messages: list[dict[str, Any]]) -> Any:  # noqa: ANN401 - a Turn
    match len(returned(messages)):
        case 0:
            return [("search_documents", {"question": "What does the pump cost?"})]
        case 1:
            return [("calculate", {"expression": "1200 * 2"})]
    return "The pump costs 1200 euros [1]."


def test_each_step_is_an_event(client: httpx.Client, model: ToolCallingServer) -> None:
    model.script = _script
    body = {"knowledge_base": "prices", "question": "What do two pumps cost?", "mode": "agent", "keep": True}
    with client.stream("POST", "/api/v1/chat", json=body) as response:
        found = list(events(response))
    names = [name for name, _ in found if name != "token"]
    assert names == ["step", "step", "retrieved", "step", "step", "done"]
    steps = [data for name, data in found if name == "step"]
    assert [(step["number"], step["tool"], step["result"] is None) for step in steps] == [
        (1, "search_documents", True),
        (1, "search_documents", False),
        (2, "calculate", True),
        (2, "calculate", False),
    ]
    done = found[-1][1]
    assert done["steps"] == [steps[1], steps[3]]
    assert done["steps"][1]["result"] == "2400"
    assert done["citations"][0]["quote"] == "The red pump costs 1200 euros."
    kept = client.get(f"/api/v1/conversations/{done['conversation_id']}").json()["messages"]
    assert kept[1]["answer"]["steps"] == done["steps"]


def test_bounds_and_refusals_are_said(client: httpx.Client, model: ToolCallingServer) -> None:
    body = {"knowledge_base": "prices", "question": "What do two pumps cost?", "mode": "agent", "stream": False}
    model.script = lambda _: [("calculate", {"expression": "1 + 1"})]
    endless = client.post("/api/v1/chat", json=body).json()
    assert endless["refused"] is True
    assert len(endless["steps"]) == 3
    model.refusal = "no tools here"
    problem(client.post("/api/v1/chat", json=body), 501, "cannot_call_tools")
    model.refusal = ""


@pytest.mark.parametrize("mode", ["generate", "agent"])
def test_the_model_stops_when_the_client_goes(client: httpx.Client, model: ToolCallingServer, mode: str) -> None:
    model.endless = True
    model.closed.clear()
    body = {"knowledge_base": "prices", "question": "What does the pump cost?", "mode": mode, "keep": True}
    with client.stream("POST", "/api/v1/chat", json=body) as response:
        stream = events(response)
        while next(stream)[0] != "token":
            pass
    assert model.closed.wait(20), "the server of the model is let go"
    model.endless = False
    newest = client.get("/api/v1/conversations").json()["conversations"][0]["id"]
    for _ in range(100):
        turns = client.get(f"/api/v1/conversations/{newest}").json()["messages"]
        if len(turns) == 2:
            break
        time.sleep(0.1)
    assert turns[1]["complete"] is False
    assert turns[1]["content"].startswith("and on")


def test_a_question_says_how_it_is_to_be_answered(client: httpx.Client, model: ToolCallingServer) -> None:
    model.script = lambda _: "The red pump costs 1200 euros."
    body = {"knowledge_base": "prices", "question": "What does the pump cost?", "mode": "generate", "stream": False}
    wanted = {"temperature": 0.7, "top_p": 0.5, "max_tokens": 33, "samples": 3}
    before = len(model.requests)
    answer = client.post("/api/v1/chat", json={**body, **wanted}).json()
    sent = model.requests[before:]
    assert len(sent) == 3
    assert {(one["temperature"], one["top_p"]) for one in sent} == {(0.7, 0.5)}
    assert {one.get("max_tokens", one.get("max_completion_tokens")) for one in sent} == {33}
    assert answer["agreement"] == 1.0
    assert client.post("/api/v1/chat", json={**body, "threshold": 1.0}).json()["refused"] is True
    for wrong in ({"threshold": 2}, {"samples": 99}, {"temperature": -1}, {"max_tokens": 0}):
        problem(client.post("/api/v1/chat", json={**body, **wrong}), 422, "invalid_request")


def test_a_model_inside_the_service_can_be_no_agent(admin: httpx.Client, handbook: str) -> None:
    body = {"knowledge_base": handbook, "question": "What is it?", "mode": "agent"}
    found = problem(admin.post("/api/v1/chat", json=body), 501, "cannot_call_tools")
    assert "SmolLM2" in found["detail"]

"""One way to ask: a question is resolved once, and every caller gets the same answer."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event

from kb_server.answering.ask import Ask
from kb_server.api.app import create_app
from kb_server.api.mcp import make_server
from kb_server.api.service import make_service
from kb_server.core.answers import AnswerMode
from kb_server.evaluation.evaluate import EvaluationOptions, Evaluator
from tests.models.tiny import tiny_model
from tests.models.tool_calling_server import Turn, serving
from tests.workshop import Workshop, workshop

SEARCH = {"question": "Who signs travel requests?"}
QUESTION = "Who signs the travel requests?"
TEXT = "The head of the office signs travel requests. Requests are sent by mail."


@pytest.fixture(scope="module")
def mixing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """A base whose datastore takes part in what a tiny model writes, as its settings say."""
    pytest.importorskip("torch", reason="needs the extra `generate`")
    home = tmp_path_factory.mktemp("ask")
    folder = tiny_model(home / "tiny", "gpt2", n_positions=8192)
    settings: dict[str, Any] = {
        "generation": {"model": str(folder), "max_tokens": 8, "threads": 1},
        "answering": {"mode": "generate"},
        "knn_lm": {"enabled": True, "weight": 0.9},
        "service": {"auth": False},
    }
    with workshop(home / "home", **settings) as made:
        made.app.bases.create("notes", embedder="toy")
        made.ingest("notes", home / "texts", travel=TEXT)
        made.app.knn_lm.of("notes").build()
        yield made


def evaluated(shop: Workshop, folder: Path, mode: AnswerMode) -> str:
    """Return the answer that an evaluation writes down."""
    cases = folder / "cases.jsonl"
    case = {"id": "1", "question": QUESTION, "answers": ["the head"], "documents": ["travel.txt"]}
    cases.write_text(json.dumps(case) + "\n", "utf-8")
    Evaluator(shop.app, "notes").run(EvaluationOptions(cases, folder / "run", mode))
    written: str = json.loads((folder / "run" / "results.jsonl").read_text("utf-8"))["answer"]
    return written


def by_mcp(shop: Workshop) -> str:
    """Return the answer that a client of MCP gets."""
    client = pytest.importorskip("mcp.client.client", reason="needs the extra `mcp`").Client
    service = make_service(shop.app)

    async def talk() -> str:
        async with client(make_server(service, guarded=False)) as speaking:
            asked = await speaking.call_tool("ask", {"question": QUESTION, "knowledge_base": "notes"})
            assert not asked.is_error, asked.content
            answer: str = asked.structured_content["answer"]
            return answer

    try:
        return asyncio.run(talk())
    finally:
        service.close()


def test_with_knn_lm_in_the_settings_every_caller_answers_with_it(mixing: Workshop, tmp_path: Path) -> None:
    answer = mixing.ask("notes", Ask(question=QUESTION))
    assert answer.knn is not None
    assert answer.text != mixing.ask("notes", Ask(question=QUESTION, knn=False)).text
    assert evaluated(mixing, tmp_path, AnswerMode.GENERATE) == answer.text
    assert by_mcp(mixing) == answer.text
    with TestClient(create_app(mixing.app)) as client:
        ours = client.post("/api/v1/chat", json={"knowledge_base": "notes", "question": QUESTION, "stream": False})
        body = {"model": "notes", "messages": [{"role": "user", "content": QUESTION}]}
        openai = client.post("/v1/chat/completions", json=body)
        chatchat = client.post("/chat/kb_chat", json={"query": QUESTION, "kb_name": "notes", "stream": False})
    assert ours.json()["answer"] == answer.text
    assert openai.json()["choices"][0]["message"]["content"] == answer.text
    plain = answer.text.removesuffix(" [1]")  # Chatchat's clients get what the model wrote, without marks
    assert chatchat.json()["choices"][0]["message"]["content"] == plain


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Workshop]:
    """A base that an agent answers about, as its settings say; its model searches once and then answers."""
    pytest.importorskip("langchain_openai", reason="needs the extra `agent`")

    def script(messages: list[dict[str, Any]]) -> Turn:
        found = [message for message in messages if message["role"] == "tool"]
        return "The head of the office signs travel requests [1]." if found else [("search_documents", SEARCH)]

    with serving() as model:
        model.script = script
        settings: dict[str, Any] = {
            "generation": {"backend": "langchain", "model": "m", "url": model.url},
            "answering": {"mode": "agent"},
            "service": {"auth": False},
        }
        with workshop(tmp_path / "home", **settings) as made:
            made.app.bases.create("notes", embedder="toy")
            made.ingest("notes", tmp_path / "texts", travel=TEXT)
            yield made


def test_with_an_agent_in_the_settings_every_caller_is_answered_by_it(agent: Workshop, tmp_path: Path) -> None:
    answer = agent.ask("notes", Ask(question=QUESTION))
    assert (answer.mode, [step.tool for step in answer.steps]) == (AnswerMode.AGENT, ["search_documents"])
    assert answer.citations
    assert evaluated(agent, tmp_path, AnswerMode.AGENT) == answer.text
    assert by_mcp(agent) == answer.text
    with TestClient(create_app(agent.app)) as client:
        ours = client.post("/api/v1/chat", json={"knowledge_base": "notes", "question": QUESTION, "stream": False})
    assert ours.json()["answer"] == answer.text


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v1/chat", {"knowledge_base": "notes", "question": QUESTION, "stream": False}),
        ("/api/v1/chat", {"knowledge_base": "notes", "question": QUESTION, "stream": False, "keep": True}),
        ("/api/v1/search", {"knowledge_bases": ["notes"], "question": QUESTION}),
        ("/v1/chat/completions", {"model": "notes", "messages": [{"role": "user", "content": QUESTION}]}),
        ("/chat/kb_chat", {"query": QUESTION, "kb_name": "notes", "stream": False}),
    ],
)
def test_one_question_reads_the_row_of_its_base_once(path: str, body: dict[str, Any], tmp_path: Path) -> None:
    with workshop(tmp_path / "home", service={"auth": False}) as made:
        made.app.bases.create("notes", embedder="toy")
        made.ingest("notes", tmp_path / "texts", travel=TEXT)
        statements: list[str] = []
        event.listen(
            made.app.catalog.database._engine, "before_cursor_execute", lambda *given: statements.append(given[2])
        )
        with TestClient(create_app(made.app)) as client:
            assert client.post(path, json=body).status_code == 200
    assert len([one for one in statements if "FROM knowledge_bases" in one]) == 1, statements


def test_passages_beyond_those_shown_are_written_from(tmp_path: Path) -> None:
    texts = {f"p{number}": f"The heron pays {number} coins for the ferry." for number in range(9)}
    with workshop(tmp_path / "home", answering={"passages": 8, "sentences": 8, "refuse_below": 0.0}) as made:
        made.app.bases.create("notes", embedder="toy")
        made.ingest("notes", tmp_path / "texts", **texts)
        answer = made.ask("notes", Ask(question="What does the heron pay for the ferry?", k=2))
        few = made.ask("notes", Ask(question="What does the heron pay for the ferry?", k=2, most_passages=2))
    assert (len(answer.hits), len(few.hits)) == (2, 2)
    assert len({citation.document for citation in answer.citations}) == 8
    assert len({citation.document for citation in few.citations}) == 2, "as Chatchat's clients ask"

"""A question names a model and a prompt of the settings."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kb_server.answering.ask import Ask
from kb_server.answering.prompts import PromptBuilder
from kb_server.config.settings import load_settings
from kb_server.core.answers import AnswerMode
from kb_server.core.errors import InvalidSetting, NotFound, UsageError
from tests.models.openai_server import OpenAiServer, serving
from tests.workshop import Workshop, workshop

pytest.importorskip("langchain_openai", reason="needs the extra `chat-models`")

QUESTION = "What does the red pump cost?"


@pytest.fixture
def model() -> Iterator[OpenAiServer]:
    with serving() as made:
        made.pieces = ["The red pump costs ", "1200 euros."]
        yield made


@pytest.fixture
def shop(tmp_path: Path, model: OpenAiServer) -> Iterator[Workshop]:
    other = {"name": "other", "backend": "langchain", "model": "m", "url": model.url, "max_tokens": 77}
    own = {"backend": "langchain", "model": "org/own", "url": "http://127.0.0.1:9/v1", "others": [other]}
    with workshop(tmp_path / "home", generation=own) as made:
        made.app.bases.create("prices", embedder="toy")
        made.ingest("prices", tmp_path / "texts", pump="The red pump costs 1200 euros.")
        yield made


def test_the_model_that_is_named_writes(shop: Workshop, model: OpenAiServer) -> None:
    asked = Ask(question=QUESTION, k=3, model="other", prompt="brief")
    resolved = shop.app.answering.resolve(asked)
    assert (resolved.mode, resolved.knn) == (AnswerMode.GENERATE, None)
    answer = shop.ask("prices", asked)
    assert (answer.model, answer.prompt, answer.refused) == ("other", "brief", False)
    (request,) = model.requests
    assert (request["model"], request["max_completion_tokens"]) == ("m", 77)
    assert "as few words as will do" in request["messages"][0]["content"]
    assert shop.app.models.loaded_generators() == {"other"}
    assert shop.app.models.generator("other") is shop.app.models.generator("other")
    assert shop.app.models.generator("own") is shop.app.models.generator()


def test_an_extracted_answer_has_neither(shop: Workshop) -> None:
    answer = shop.ask("prices", Ask(question=QUESTION, mode=AnswerMode.EXTRACT, k=3))
    assert (answer.model, answer.prompt) == (None, None)


@pytest.mark.parametrize(
    ("asked", "error", "words"),
    [
        ({"model": "mine"}, NotFound, "own, other"),
        ({"prompt": "mine"}, NotFound, "brief, detailed"),
        ({"prompt": "../agent"}, NotFound, "brief"),
        ({"model": "other", "mode": AnswerMode.EXTRACT}, UsageError, "model"),
        ({"prompt": "brief", "mode": AnswerMode.EXTRACT}, UsageError, "prompt"),
        ({"prompt": "brief", "mode": AnswerMode.AGENT}, UsageError, "prompt"),
        ({"model": "other", "knn": True}, UsageError, "'own'"),
        ({"prompt": "brief", "knn": {"closed_book": True}}, UsageError, "closed book"),
        ({"mode": AnswerMode.EXTRACT, "knn": True}, UsageError, "kNN-LM"),
    ],
)
def test_what_does_not_go_together_is_refused(
    shop: Workshop, asked: dict[str, Any], error: type[UsageError], words: str
) -> None:
    with pytest.raises(error) as caught:
        shop.app.answering.resolve(Ask(question=QUESTION, **asked))
    assert words.lower() in str(caught.value).lower()


def test_prompts_are_those_of_the_folder_in_both_languages(tmp_path: Path) -> None:
    for name in ("answer-formal.en.md", "answer-formal.zh.md", "answer-half.en.md", "answer-bad.en.md.bak"):
        (tmp_path / name).write_text("Be formal.\n---\n$passages $question", "utf-8")
    assert PromptBuilder(tmp_path).names() == ["formal"]
    with pytest.raises(NotFound, match="half"):
        PromptBuilder(tmp_path).check("half")
    PromptBuilder(tmp_path).check(None)
    with pytest.raises(InvalidSetting, match="nowhere"):
        PromptBuilder(tmp_path / "nowhere").names()


@pytest.mark.parametrize("others", [[{"name": "a"}, {"name": "a"}], [{"name": "extract"}], [{"name": "own"}]])
def test_names_differ(others: list[dict[str, str]]) -> None:
    with pytest.raises(InvalidSetting, match="generation"):
        load_settings(arguments={"generation": {"model": "/models/own", "others": others}})

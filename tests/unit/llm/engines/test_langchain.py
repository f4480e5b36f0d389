"""A model behind an OpenAI-compatible server: a real one in this process, good, down, slow, broken and refusing."""

from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from kb_server.core.answers import Message, Sampling
from kb_server.core.errors import InvalidSetting, ModelServerFailed
from tests.models.openai_server import OpenAiServer, serving

pytest.importorskip("langchain_openai", reason="needs the extra `chat-models`")

from kb_server.llm.engines.langchain import LangChainGenerator

TALK = [Message("system", "s"), Message("user", "u"), Message("assistant", "a"), Message("user", "你好")]


@pytest.fixture
def server() -> Iterator[OpenAiServer]:
    with serving() as made:
        yield made


def generator(server: OpenAiServer, timeout: float = 10, key: str | None = None) -> LangChainGenerator:
    return LangChainGenerator(
        "chatglm3-6b", url=server.url, timeout=timeout, key=SecretStr(key) if key else None, window=1000
    )


def test_streams_what_the_server_says_and_sends_what_was_asked(server: OpenAiServer) -> None:
    sampling = Sampling(max_tokens=9, temperature=0.5, top_p=0.9, seed=7, top_k=3, repetition_penalty=1.1)
    assert list(generator(server, key="secret").stream(TALK, sampling)) == ["你", "好", "，", "hello"]
    (sent,) = server.requests
    roles = [message["role"] for message in sent["messages"]]
    assert roles == ["system", "user", "assistant", "user"]
    assert sent["messages"][3]["content"] == "你好"
    assert (sent["model"], sent["temperature"], sent["top_p"], sent["seed"]) == ("chatglm3-6b", 0.5, 0.9, 7)
    assert (sent["top_k"], sent["repetition_penalty"]) == (3, 1.1)
    assert sent.get("max_tokens", sent.get("max_completion_tokens")) == 9
    assert sent["authorization"] == "Bearer secret"


def test_a_stop_string_ends_the_answer(server: OpenAiServer) -> None:
    assert "".join(generator(server).stream(TALK, Sampling(stop=("，he",)))) == "你好"


def test_a_server_that_is_down(server: OpenAiServer) -> None:
    made = generator(server)
    server.shutdown()
    server.server_close()
    with pytest.raises(ModelServerFailed, match=r"cannot be reached.*generation\.url"):
        list(made.stream(TALK, Sampling()))


def test_a_server_that_is_too_slow(server: OpenAiServer) -> None:
    server.behaviour = "slow"
    with pytest.raises(ModelServerFailed, match=r"did not answer within 0\.5 s"):
        list(generator(server, timeout=0.5).stream(TALK, Sampling()))


def test_a_server_that_breaks_off(server: OpenAiServer) -> None:
    server.behaviour = "broken"
    made = generator(server)
    shown: list[str] = []
    with pytest.raises(ModelServerFailed, match="broke off"):
        shown += made.stream(TALK, Sampling())
    server.behaviour = "good"
    assert "".join(made.stream(TALK, Sampling())) == "你好，hello", "the generator stays usable"


@pytest.mark.parametrize("status", [401, 404, 500])
def test_a_server_that_refuses(server: OpenAiServer, status: int) -> None:
    server.behaviour = status
    with pytest.raises(ModelServerFailed, match="no such model"):
        list(generator(server).stream(TALK, Sampling()))


def test_closing_ends_the_request(server: OpenAiServer) -> None:
    server.behaviour, server.pieces = "endless", ["x" * 1000] * 100_000
    stream = generator(server).stream(TALK, Sampling())
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert server.closed.wait(10)


def test_prompts_are_never_estimated_too_short() -> None:
    tokens = LangChainGenerator("m", window=100).count_tokens([Message("user", "你好 hello world")])
    assert tokens >= 2 + 4
    assert LangChainGenerator("m", window=100).context_window == 100


def test_a_provider_that_is_unknown() -> None:
    with pytest.raises(InvalidSetting, match="nowhere"):
        list(LangChainGenerator("m", provider="nowhere").stream(TALK, Sampling()))

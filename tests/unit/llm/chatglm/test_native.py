"""The published settings and names of ChatGLM2, 3 and GLM-4 as transformers' Glm has them."""

from typing import Any

import pytest

from kb_server.core.errors import GenerationFailed
from kb_server.llm.chatglm.layouts import MARK, Layout
from tests.models import published, reference

torch = pytest.importorskip("torch", reason="needs the extra `generate`")

from kb_server.llm.chatglm.native import glm_config, remap  # noqa: E402 - once torch is known to be there

CHATGLM3_6B: dict[str, Any] = {  # as in THUDM/chatglm3-6b's config.json
    "add_bias_linear": False, "add_qkv_bias": True, "apply_residual_connection_post_layernorm": False,
    "ffn_hidden_size": 13696, "hidden_size": 4096, "kv_channels": 128, "layernorm_epsilon": 1e-05,
    "multi_query_attention": True, "multi_query_group_num": 2, "num_attention_heads": 32, "num_layers": 28,
    "padded_vocab_size": 65024, "post_layer_norm": True, "rmsnorm": True, "seq_length": 8192,
    "tie_word_embeddings": False, "eos_token_id": 2, "pad_token_id": 0,
}  # fmt: skip


def test_the_settings_of_chatglm3_6b() -> None:
    config = glm_config(CHATGLM3_6B, Layout.CHATGLM3)
    assert (config.hidden_size, config.intermediate_size, config.num_hidden_layers) == (4096, 13696, 28)
    assert (config.num_attention_heads, config.num_key_value_heads, config.head_dim) == (32, 2, 128)
    assert (config.vocab_size, config.attention_bias, config.rms_norm_eps) == (65024, True, 1e-05)
    assert config.eos_token_id == [2, 64795, 64797]
    assert getattr(config, MARK) == "chatglm3"


def test_without_grouped_queries_each_head_has_keys_of_its_own() -> None:
    config = glm_config(CHATGLM3_6B | {"multi_query_attention": False}, Layout.CHATGLM2)
    assert config.num_key_value_heads == 32


def test_a_longer_context_turns_more_slowly() -> None:
    config = glm_config(CHATGLM3_6B | {"rope_ratio": 50}, Layout.CHATGLM3)
    rope: Any = config.rope_parameters
    assert (rope["rope_theta"], rope["partial_rotary_factor"]) == (500_000, 0.5)


@pytest.mark.parametrize("key", ["add_bias_linear", "apply_residual_connection_post_layernorm"])
def test_a_variant_that_glm_does_not_have_is_refused(key: str) -> None:
    with pytest.raises(GenerationFailed, match=rf"of this chatglm3 says {key}=True"):
        glm_config(CHATGLM3_6B | {key: True}, Layout.CHATGLM3)


def test_a_setting_that_is_missing_is_named() -> None:
    left = {key: value for key, value in CHATGLM3_6B.items() if key != "kv_channels"}
    with pytest.raises(GenerationFailed, match="of this glm4 lacks 'kv_channels'"):
        glm_config(left, Layout.GLM4)


def test_the_renamed_weights_fill_a_glm_that_computes_the_published_architecture() -> None:
    from transformers import GlmForCausalLM

    config, weights = published.chatglm23(64)
    native = glm_config(config, Layout.CHATGLM3)
    with torch.device("meta"):
        shapes = {name: parameter.shape for name, parameter in GlmForCausalLM(native).named_parameters()}
    renamed = dict(pair for name, tensor in weights.items() for pair in remap(name, tensor, native))
    assert {name: tensor.shape for name, tensor in renamed.items()} == shapes
    model = GlmForCausalLM(native)
    model.load_state_dict(renamed)
    ids = [5, 1, 63, 7, 7, 20]
    expected = reference.chatglm23_logits(config, weights, ids)
    with torch.inference_mode():
        found = model(input_ids=torch.tensor([ids])).logits[0].double().numpy()
    assert abs(found - expected).max() < 1e-4


def test_a_name_that_is_not_known_comes_back_as_it_is() -> None:
    config = glm_config(CHATGLM3_6B, Layout.CHATGLM3)
    tensor = torch.ones(1)
    assert list(remap("prefix_encoder.embedding.weight", tensor, config)) == [
        ("prefix_encoder.embedding.weight", tensor)
    ]
    scale = "transformer.encoder.layers.3.self_attention.query_key_value.weight_scale"
    names = [name for name, _ in remap(scale, torch.ones(4096 + 512), config)]
    assert names == [f"model.layers.3.self_attn.{part}_proj.weight_scale" for part in "qkv"]

"""The published settings of ChatGLM2, ChatGLM3 and GLM-4 as those of transformers' own Glm class."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kb_server.errors import GenerationFailed
from kb_server.generation.glm.layouts import MARK, Layout

if TYPE_CHECKING:
    from transformers import GlmConfig

_ONLY = {  # variants that the published code knows and no published model uses
    "add_bias_linear": False,
    "apply_residual_connection_post_layernorm": False,
    "post_layer_norm": True,
    "rmsnorm": True,
}
_ENDS = {Layout.CHATGLM2: [2], Layout.CHATGLM3: [2, 64795, 64797], Layout.GLM4: [151329, 151336, 151338]}


def glm_config(published: Mapping[str, Any], layout: Layout) -> "GlmConfig":
    """Return the native settings; raises GenerationFailed for a variant Glm does not have or a missing setting."""
    from transformers import GlmConfig

    for key, value in _ONLY.items():
        if published.get(key, value) != value:
            raise GenerationFailed(
                f"The config of this {layout} says {key}={published[key]}, which no published model has.",
                "Use the published weights and their config.json.",
            )
    try:
        settings: dict[str, Any] = _native(published) | {"eos_token_id": _ENDS[layout], MARK: str(layout)}
        return GlmConfig(**settings)
    except KeyError as error:
        raise GenerationFailed(
            f"The config of this {layout} lacks {error}.", "Download its config.json again."
        ) from error


def _native(published: Mapping[str, Any]) -> dict[str, Any]:
    heads = published["num_attention_heads"]
    groups = published["multi_query_group_num"] if published.get("multi_query_attention") else heads
    return {
        "vocab_size": published["padded_vocab_size"],
        "hidden_size": published["hidden_size"],
        "intermediate_size": published["ffn_hidden_size"],
        "num_hidden_layers": published["num_layers"],
        "num_attention_heads": heads,
        "num_key_value_heads": groups,
        "head_dim": published["kv_channels"],
        "max_position_embeddings": published["seq_length"],
        "rms_norm_eps": published["layernorm_epsilon"],
        "attention_bias": bool(published.get("add_qkv_bias") or published.get("add_bias_linear")),
        "tie_word_embeddings": bool(published.get("tie_word_embeddings")),
        "pad_token_id": published.get("pad_token_id", 0),
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": 10000.0 * published.get("rope_ratio", 1),
            "partial_rotary_factor": 0.5,
        },
    }

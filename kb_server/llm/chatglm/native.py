"""The published settings of ChatGLM2, ChatGLM3 and GLM-4 as those of transformers' own Glm class."""

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import torch

from kb_server.core.errors import GenerationFailed
from kb_server.llm.chatglm.layouts import MARK, Layout

if TYPE_CHECKING:
    from transformers import GlmConfig

_OUTSIDE = {
    "transformer.embedding.word_embeddings.weight": "model.embed_tokens.weight",
    "transformer.encoder.final_layernorm.weight": "model.norm.weight",
    "transformer.output_layer.weight": "lm_head.weight",
}

_INSIDE = {
    "input_layernorm": "input_layernorm",
    "post_attention_layernorm": "post_attention_layernorm",
    "self_attention.dense": "self_attn.o_proj",
    "mlp.dense_h_to_4h": "mlp.gate_up_proj",
    "mlp.dense_4h_to_h": "mlp.down_proj",
}

_LAYER = re.compile(r"transformer\.encoder\.layers\.(\d+)\.(.+)\.(weight|bias|weight_scale)")

_FUSED = "self_attention.query_key_value"


def remap(name: str, tensor: torch.Tensor, config: "GlmConfig") -> Iterator[tuple[str, torch.Tensor]]:
    """Yield the native (name, tensor) pairs of one published tensor; none for a table that is computed.

    Works on rows only, so 4-bit weights and their row scales stay as they are. A name that is not known comes back as
    it is and is found superfluous by who places it.
    """
    if name.endswith("rotary_pos_emb.inv_freq"):
        return
    found = _LAYER.fullmatch(name)
    if found is None:
        yield _OUTSIDE.get(name, name), tensor
        return
    number, part, kind = found.groups()
    if part == _FUSED:
        size = config.head_dim or 0
        queries, groups = config.num_attention_heads * size, (config.num_key_value_heads or 0) * size
        for target, rows in zip("qkv", torch.split(tensor, [queries, groups, groups]), strict=True):
            yield f"model.layers.{number}.self_attn.{target}_proj.{kind}", rows
    else:
        yield f"model.layers.{number}.{_INSIDE.get(part, part)}.{kind}", tensor


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

"""Published tensors of ChatGLM2, ChatGLM3 and GLM-4 under the names of transformers' Glm class.

The published layer keeps queries, keys and values in one matrix, one below the other; everything else is only renamed.
Rotary positions need no change: Glm turns neighbouring pairs of the first half of a head, as the published code does.
"""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch

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

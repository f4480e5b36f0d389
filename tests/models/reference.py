"""The published architectures written down once more, in NumPy with 64 bits, straight from their papers and configs."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

Array = npt.NDArray[np.float64]


def chatglm23_logits(config: Mapping[str, Any], weights: Mapping[str, torch.Tensor], ids: list[int]) -> Array:
    """Return logits [tokens, rows] of ChatGLM2 or 3."""
    w = {name: tensor.double().numpy() for name, tensor in weights.items()}
    heads, size, groups = config["num_attention_heads"], config["kv_channels"], config["multi_query_group_num"]
    x = w["transformer.embedding.word_embeddings.weight"][ids]
    for number in range(config["num_layers"]):
        layer = f"transformer.encoder.layers.{number}."
        h = _rms(x, w[layer + "input_layernorm.weight"], config["layernorm_epsilon"])
        mixed = h @ w[layer + "self_attention.query_key_value.weight"].T
        mixed = mixed + w[layer + "self_attention.query_key_value.bias"]
        q, k, v = np.split(mixed, [heads * size, (heads + groups) * size], axis=1)
        base = 10000.0 * config.get("rope_ratio", 1)
        q = _turn_pairs(q.reshape(len(ids), heads, size), base)
        k = _turn_pairs(k.reshape(len(ids), groups, size), base).repeat(heads // groups, axis=1)
        v = v.reshape(len(ids), groups, size).repeat(heads // groups, axis=1)
        seen = np.tril(np.ones((len(ids), len(ids)), bool))
        x = x + _attend(q, k, v, seen) @ w[layer + "self_attention.dense.weight"].T
        h = _rms(x, w[layer + "post_attention_layernorm.weight"], config["layernorm_epsilon"])
        gate, up = np.split(h @ w[layer + "mlp.dense_h_to_4h.weight"].T, 2, axis=1)
        x = x + (gate / (1 + np.exp(-gate)) * up) @ w[layer + "mlp.dense_4h_to_h.weight"].T
    x = _rms(x, w["transformer.encoder.final_layernorm.weight"], config["layernorm_epsilon"])
    return np.asarray(x @ w["transformer.output_layer.weight"].T)


def chatglm1_logits(config: Mapping[str, Any], weights: Mapping[str, torch.Tensor], ids: list[int]) -> Array:
    """Return logits [tokens, rows] of ChatGLM-6B; `ids` hold the mask and the start of the answer."""
    w = {name: tensor.double().numpy() for name, tensor in weights.items()}
    n, heads = len(ids), config["num_attention_heads"]
    start, mask_place = ids.index(config["bos_token_id"]), ids.index(config["gmask_token_id"])
    in_prompt = np.array([i if i < start else mask_place for i in range(n)])
    in_answer = np.array([0 if i < start else i - start + 1 for i in range(n)])
    seen = np.array([[j <= i or j < start for j in range(n)] for i in range(n)])
    alpha = (2 * config["num_layers"]) ** 0.5

    def norm(x: Array, name: str) -> Array:
        centred = x - x.mean(-1, keepdims=True)
        spread = np.sqrt((centred**2).mean(-1, keepdims=True) + config["layernorm_epsilon"])
        return np.asarray(centred / spread * w[f"{name}.weight"] + w[f"{name}.bias"])

    def linear(x: Array, name: str) -> Array:
        return np.asarray(x @ w[f"{name}.weight"].T + w[f"{name}.bias"])

    x = w["transformer.word_embeddings.weight"][ids]
    for number in range(config["num_layers"]):
        layer = f"transformer.layers.{number}."
        h = norm(x, layer + "input_layernorm")
        mixed = linear(h, layer + "attention.query_key_value").reshape(n, heads, -1)
        q, k, v = np.split(mixed, 3, axis=-1)
        q, k = (
            np.concatenate(
                [
                    _turn_halves(part, place)
                    for part, place in zip(np.split(a, 2, -1), (in_prompt, in_answer), strict=True)
                ],
                -1,
            )
            for a in (q, k)
        )
        h = norm(
            h * alpha + linear(_attend(q, k, v, seen), layer + "attention.dense"), layer + "post_attention_layernorm"
        )
        wide = linear(h, layer + "mlp.dense_h_to_4h")
        wide = 0.5 * wide * (1 + np.tanh(np.sqrt(2 / np.pi) * (wide + 0.044715 * wide**3)))
        x = h * alpha + linear(wide, layer + "mlp.dense_4h_to_h")
    return np.asarray(norm(x, "transformer.final_layernorm") @ w["lm_head.weight"].T)


def _rms(x: Array, weight: Array, epsilon: float) -> Array:
    return np.asarray(x / np.sqrt((x**2).mean(-1, keepdims=True) + epsilon) * weight)


def _attend(q: Array, k: Array, v: Array, seen: npt.NDArray[np.bool_]) -> Array:
    scores = np.einsum("qhd,khd->hqk", q, k) / np.sqrt(q.shape[-1])
    scores = np.where(seen, scores, -np.inf)
    chances = np.exp(scores - scores.max(-1, keepdims=True))
    chances /= chances.sum(-1, keepdims=True)
    return np.asarray(np.einsum("hqk,khd->qhd", chances, v).reshape(len(q), -1))


def _turn_pairs(x: Array, base: float) -> Array:
    """Turn neighbouring pairs of the first half of each head [tokens, heads, size]; the other half stays."""
    half = x.shape[-1] // 2
    angles = np.arange(len(x))[:, None] * base ** -(np.arange(0, half, 2) / half)
    cos, sin = np.cos(angles)[:, None], np.sin(angles)[:, None]
    out = x.copy()
    even, odd = x[..., 0:half:2], x[..., 1:half:2]
    out[..., 0:half:2], out[..., 1:half:2] = even * cos - odd * sin, odd * cos + even * sin
    return out


def _turn_halves(x: Array, places: npt.NDArray[Any]) -> Array:
    """Turn the lower half of each vector against its upper half."""
    half = x.shape[-1] // 2
    angles = places[:, None] * 10000.0 ** -(np.arange(0, 2 * half, 2) / (2 * half))
    cos, sin = np.cos(angles)[:, None], np.sin(angles)[:, None]
    low, high = x[..., :half], x[..., half:]
    return np.concatenate([low * cos - high * sin, high * cos + low * sin], -1)

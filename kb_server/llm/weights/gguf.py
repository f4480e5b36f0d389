"""GGUF files for transformers: read and dequantized once, then kept as safetensors, which load in a second.

transformers needs 15 to 20 s for the 98 MB of SmolLM2 on two cores (it parses the file three times), and its own
`from_pretrained(gguf_file=…)` asks for accelerate on top; the pieces it is made of do not.
"""

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from kb_server.core.errors import GenerationFailed, MissingExtra, UsageError
from kb_server.llm.chatglm.layouts import MARK, Layout
from kb_server.llm.chatglm.tokenizer import SPECIALS, sentencepiece
from kb_server.llm.weights.loading import published_tensors
from kb_server.llm.weights.saving import written
from kb_server.llm.weights.skeleton import ModelFiles
from kb_server.runtime.model_files import file_sha256

if TYPE_CHECKING:
    import torch
    from gguf import GGMLQuantizationType, GGUFWriter
    from sentencepiece import SentencePieceProcessor
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def load_gguf(path: Path, dtype: "torch.dtype") -> "tuple[PreTrainedModel, PreTrainedTokenizerBase]":
    """Return the dequantized model and its tokenizer; ValueError if transformers cannot read its architecture."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
    from transformers.modeling_gguf_pytorch_utils import load_gguf_checkpoint

    place = {"gguf_file": path.name, "local_files_only": True}
    tokenizer = AutoTokenizer.from_pretrained(path.parent, **place)
    config = AutoConfig.from_pretrained(path.parent, **place)
    with torch.device("meta"):
        names = AutoModelForCausalLM.from_config(config)  # type: ignore[no-untyped-call]
    with redirect_stderr(StringIO()):  # its progress bar has no switch that transformers' own reaches
        read = load_gguf_checkpoint(  # type: ignore[no-untyped-call]
            str(path), return_tensors=True, model_to_load=names, torch_dtype=dtype
        )
    model = type(names).from_pretrained(None, config=config, state_dict=read["tensors"], dtype=dtype)
    return model, tokenizer


def converted(path: Path, cache: Path, dtype: "torch.dtype") -> Path:
    """Return a folder below `cache` with the same model as safetensors; made the first time.

    Several processes may do this at once: each writes a folder of its own, and the first to finish gives its name.
    """
    import transformers

    target = cache / f"{path.stem}-{file_sha256(path)[:16]}-{transformers.__version__}"
    if not target.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{path.stem}-", dir=cache))
        try:
            for part in load_gguf(path, dtype):
                part.save_pretrained(made)
            _give_name(made, target)
        finally:
            shutil.rmtree(made, ignore_errors=True)
    return target


def _give_name(made: Path, target: Path) -> None:
    try:
        made.replace(target)
    except OSError:
        if not target.is_dir():
            raise


_OUTSIDE = {
    "transformer.embedding.word_embeddings.weight": "token_embd.weight",
    "transformer.encoder.final_layernorm.weight": "output_norm.weight",
    "transformer.output_layer.weight": "output.weight",
}

_INSIDE = {
    "input_layernorm": "attn_norm",
    "self_attention.query_key_value": "attn_qkv",
    "self_attention.dense": "attn_output",
    "post_attention_layernorm": "ffn_norm",
    "mlp.dense_h_to_4h": "ffn_up",
    "mlp.dense_4h_to_h": "ffn_down",
}

_LAYER = re.compile(r"transformer\.encoder\.layers\.(\d+)\.(.+)\.(weight|bias)")

_EOS = 2


def export_gguf(files: ModelFiles, target: Path, form: str) -> None:
    """Write the model as f16, q8_0 or q4_0; raises UsageError for a layout that llama.cpp has not."""
    if files.layout not in (Layout.CHATGLM2, Layout.CHATGLM3) or files.native:
        raise UsageError(
            f"The model in '{files.folder}' cannot be written as GGUF here.",
            "ChatGLM2 and ChatGLM3 folders as published can, packed or not; llama.cpp's own tools convert others.",
        )
    try:
        from gguf import GGUFWriter
    except ImportError as error:
        raise MissingExtra(
            f"GGUF files need the package '{error.name}'.", "Run: pip install 'kb-server[gguf]'"
        ) from error
    with written(target) as file:
        writer = GGUFWriter(file, "chatglm")
        _settings(writer, files)
        _vocabulary(writer, files)
        _tensors(writer, files, form)
        writer.close()


def _settings(writer: "GGUFWriter", files: ModelFiles) -> None:
    config = files.native_config()
    writer.add_name(files.folder.resolve().name)
    writer.add_string(MARK, str(files.layout))
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(config.head_dim)
    writer.add_value_length(config.head_dim)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_dimension_count(config.head_dim // 2)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_vocab_size(config.vocab_size)


def _vocabulary(writer: "GGUFWriter", files: ModelFiles) -> None:
    """Write the pieces, ChatGLM's special tokens behind them, and unused ones up to the rows of the output layer."""
    from gguf import TokenType

    vocabulary = sentencepiece(files.folder / "tokenizer.model")
    count, rows = vocabulary.get_piece_size(), files.config["padded_vocab_size"]
    specials = SPECIALS[files.layout] if files.layout else ()
    unused = [f"[PAD{number}]" for number in range(count + len(specials), rows)]
    pieces = [vocabulary.id_to_piece(number) for number in range(count)]
    kinds = [_kind(vocabulary, number) for number in range(count)]
    writer.add_tokenizer_model("llama")
    writer.add_token_list([*pieces, *specials, *unused])
    writer.add_token_scores([*map(vocabulary.get_score, range(count)), *[-1000.0] * (rows - count)])
    writer.add_token_types([*kinds, *[TokenType.CONTROL] * len(specials), *[TokenType.UNUSED] * len(unused)])
    writer.add_eos_token_id(_EOS)
    writer.add_add_bos_token(False)
    writer.add_add_space_prefix(True)


def _kind(vocabulary: "SentencePieceProcessor", number: int) -> int:
    from gguf import TokenType

    if vocabulary.is_unknown(number):
        return int(TokenType.UNKNOWN)
    if vocabulary.is_control(number):
        return int(TokenType.CONTROL)
    return int(TokenType.BYTE if vocabulary.is_byte(number) else TokenType.NORMAL)


def _tensors(writer: "GGUFWriter", files: ModelFiles, form: str) -> None:
    """Announce all tensors, then write them in the same order."""
    for name, tensor in _named(files):
        kind, shape, size = _stored(name, tensor, form)
        writer.add_tensor_info(
            name, shape, np.dtype(np.uint8 if size else np.float32), size or 4 * tensor.numel(), kind
        )
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for name, tensor in _named(files):
        writer.write_tensor_data(_rounded(name, tensor, form))


def _named(files: ModelFiles) -> "Iterator[tuple[str, torch.Tensor]]":
    """Yield the tensors under their GGUF names; raises GenerationFailed for one that is not ChatGLM's."""
    for name, tensor in published_tensors(files):
        found = _LAYER.fullmatch(name)
        if name in _OUTSIDE:
            yield _OUTSIDE[name], tensor
        elif found and found.group(2) in _INSIDE:
            yield f"blk.{found.group(1)}.{_INSIDE[found.group(2)]}.{found.group(3)}", tensor
        elif not name.endswith("inv_freq"):
            raise GenerationFailed(f"The tensor '{name}' in '{files.folder}' is not one of ChatGLM's.")


def _kind_of(name: str, dimensions: int, form: str) -> "GGMLQuantizationType":
    from gguf import GGMLQuantizationType

    if dimensions == 1:
        return GGMLQuantizationType.F32
    return GGMLQuantizationType["Q8_0" if name == "output.weight" and form == "q4_0" else form.upper()]


def _stored(name: str, tensor: "torch.Tensor", form: str) -> "tuple[GGMLQuantizationType, tuple[int, ...], int]":
    """Return kind, shape and bytes of a tensor; for float32 the shape in numbers and no bytes, else all in bytes."""
    from gguf import GGMLQuantizationType, quants

    kind, shape = _kind_of(name, tensor.dim(), form), tuple(tensor.shape)
    if kind is GGMLQuantizationType.F32:
        return kind, shape, 0
    bytes_ = quants.quant_shape_to_byte_shape(shape, kind)
    return kind, tuple(bytes_), int(np.prod(bytes_))


def _rounded(name: str, tensor: "torch.Tensor", form: str) -> npt.NDArray[Any]:
    from gguf import quants

    kind = _kind_of(name, tensor.dim(), form)
    return np.asarray(quants.quantize(tensor.float().numpy(), kind)).reshape(tensor.shape[0], -1)


FORMS = ("native", "f16", "q8_0", "q4_0")


def convert(folder: Path, target: Path, form: str) -> None:
    """Write `target` in one of FORMS; raises UsageError for another form or a model that has none of them."""
    if form not in FORMS:
        raise UsageError(f"There is no form '{form}'.", f"Use one of {', '.join(FORMS)}.")
    files = ModelFiles(folder)
    if form == "native":
        from kb_server.llm.weights.saving import convert_native

        convert_native(files, target)
    else:
        export_gguf(files, target, form)

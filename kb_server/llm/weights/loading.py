"""Loading a language model: from a folder to something that computes, with its codec.

Weights come one tensor at a time and are quantized as they come, so the most that is needed beside the finished model
is the layer at hand, as it was and in the making.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kb_server.core.answers import Quantization
from kb_server.core.errors import GenerationFailed
from kb_server.llm.chatglm.layouts import Layout
from kb_server.llm.decoding.codec import Codec
from kb_server.llm.weights.checkpoint import shards, tensors
from kb_server.llm.weights.memory import Sizes, check_memory
from kb_server.llm.weights.placement import Placement
from kb_server.llm.weights.quantization import check
from kb_server.llm.weights.skeleton import ModelFiles, is_encoder_decoder
from kb_server.runtime.memory import give_back

if TYPE_CHECKING:
    import torch
    from torch import nn

_GIVEN_BACK = 16  # tensors, after which freed memory is given back: oftener takes twice the time


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model ready to compute. `ends` are the ids that end an answer; `last_logits` asks for the last token's only.

    `reusable` says that the cache of a prompt's beginning serves another prompt that begins alike.
    """

    model: Any
    codec: Codec
    window: int
    ends: frozenset[int]
    last_logits: dict[str, int]
    reusable: bool
    encoder_decoder: bool


def load_folder(folder: Path, scheme: Quantization, device: str) -> LoadedModel:
    """Load the model of a folder. Raises GenerationFailed, ModelNotFound, MissingExtra or NotEnoughMemory."""
    check(scheme, device)
    files = ModelFiles(folder)
    scheme = _settled(files, scheme, device)
    model = load_weights(files, scheme, device)
    return bundled(files, model, codec_for(files))


def load_weights(files: ModelFiles, scheme: Quantization, device: str) -> "nn.Module":
    """Return the model of a folder with its weights, in the scheme given."""
    import torch

    dtype = torch.bfloat16 if scheme is Quantization.INT4 else fast_dtype(device)
    if files.layout is None and scheme is Quantization.NONE:
        return _by_transformers(files, dtype, device)
    model = files.skeleton(dtype)
    check_memory(files.folder.name, Sizes.of(model), scheme, dtype.itemsize, device)
    placement = Placement(model, scheme, torch.device(device), files.saved_scheme, files.published_int4)
    if scheme is not files.stored_scheme and placement.quantized_layers == 0:
        raise GenerationFailed(
            f"The model in '{files.folder}' has no linear layers that could be kept as {scheme}.",
            "Set generation.quantization to none.",
        )
    for number, (name, tensor) in enumerate(_tensors(files, model.config)):
        placement.place(name, tensor)
        if number % _GIVEN_BACK == 0:
            give_back()  # else glibc keeps what quantizing took beside the result, up to twice the finished model
    placement.finish()
    return _on_device(model, device)


def _by_transformers(files: ModelFiles, dtype: "torch.dtype", device: str) -> "nn.Module":
    """Load a model that transformers reads by itself, from safetensors."""
    from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM

    shards(files.folder)  # says what is missing better than transformers does
    kind = AutoModelForSeq2SeqLM if is_encoder_decoder(files.config) else AutoModelForCausalLM
    model: nn.Module = kind.from_pretrained(
        files.folder, dtype=dtype, use_safetensors=True, local_files_only=True, trust_remote_code=False
    )
    return model if getattr(model, "quantization_method", None) else model.to(device)


def codec_for(files: ModelFiles) -> Codec:
    """Return what builds the model's prompts: by ids for ChatGLM's own layouts, by its chat template for others."""
    if files.layout:
        from kb_server.llm.chatglm.codecs import glm_codec

        marks = {"gmask": "gmask_token_id", "start": "bos_token_id"}
        own = {key: files.config[name] for key, name in marks.items() if files.layout is Layout.CHATGLM}
        return glm_codec(files.folder, files.layout, **own)
    from transformers import AutoTokenizer

    from kb_server.llm.decoding.codec import ChatPrompt
    from kb_server.llm.decoding.seq2seq import PlainPrompt

    tokenizer = AutoTokenizer.from_pretrained(files.folder, local_files_only=True, trust_remote_code=False)
    return PlainPrompt(tokenizer) if is_encoder_decoder(files.config) else ChatPrompt(tokenizer)


def bundled(files: ModelFiles, model: Any, codec: Codec) -> LoadedModel:  # noqa: ANN401 - half of what is called on a model has no types
    """Put a model and its codec together with what the config says of them."""
    return LoadedModel(
        model=model.eval(),
        codec=codec,
        window=_window(model.config),
        ends=_ends(model, codec),
        last_logits={"logits_to_keep": 1} if "logits_to_keep" in signature(model.forward).parameters else {},
        reusable=files.layout is not Layout.CHATGLM,
        encoder_decoder=is_encoder_decoder(files.config),
    )


def fast_dtype(device: str) -> "torch.dtype":
    """Return bfloat16 where the device computes in it, else float32."""
    import torch

    if device.startswith("cuda"):
        return torch.bfloat16
    known = torch.cpu.get_capabilities() if device == "cpu" else {}
    return torch.bfloat16 if known.get("avx512_bf16") or known.get("amx_bf16") else torch.float32


def _settled(files: ModelFiles, scheme: Quantization, device: str) -> Quantization:
    """Return the scheme to load in: what is stored in 4 or 8 bits stays as it is, and another wish is refused."""
    stored = files.stored_scheme
    if stored is Quantization.NONE or stored is scheme:
        return scheme
    if scheme is not Quantization.NONE:
        raise GenerationFailed(
            f"The weights in '{files.folder}' are stored as {stored} and cannot be loaded as {scheme}.",
            f"Set generation.quantization to {stored} or none, or use the unpacked model.",
        )
    check(stored, device)
    return stored


def published_tensors(files: ModelFiles) -> "Iterator[tuple[str, torch.Tensor]]":
    """Yield a published folder's tensors under their own names; packed 4-bit weights come as numbers."""
    from kb_server.llm.weights.int4_linear import dequantize_published

    waiting: dict[str, torch.Tensor] = {}
    for name, tensor in _stored_tensors(files):
        layer, _, kind = name.rpartition(".")
        if not files.published_int4 or (kind != "weight_scale" and tensor.is_floating_point()):
            yield name, tensor
        elif layer not in waiting:
            waiting[layer] = tensor
        else:
            other = waiting.pop(layer)
            packed, scale = (tensor, other) if kind == "weight" else (other, tensor)
            yield f"{layer}.weight", dequantize_published(packed, scale)


def unpacked_tensors(files: ModelFiles) -> "Iterator[tuple[str, torch.Tensor]]":
    """Yield a published folder's tensors under their native names; packed 4-bit weights come as numbers."""
    from kb_server.llm.chatglm.native import remap

    config = files.native_config()
    for name, tensor in published_tensors(files):
        yield from remap(name, tensor, config)


def _tensors(files: ModelFiles, config: Any) -> "Iterator[tuple[str, torch.Tensor]]":  # noqa: ANN401 - see above
    """Yield a folder's tensors under the model's names, packed ones as they are."""
    from kb_server.llm.chatglm.native import remap

    remapped = files.layout not in (None, Layout.CHATGLM) and not files.native
    for name, tensor in _stored_tensors(files):
        if remapped:
            yield from remap(name, tensor, config)
        else:
            yield name, tensor


def _stored_tensors(files: ModelFiles) -> "Iterator[tuple[str, torch.Tensor]]":
    for shard in shards(files.folder):
        yield from tensors(shard)


def _on_device(model: "nn.Module", device: str) -> "nn.Module":
    """Move the computed tables; the parameters are there already."""
    for owner in model.modules():
        for name, buffer in owner._buffers.items():
            if buffer is not None and buffer.device.type != device.partition(":")[0]:
                owner._buffers[name] = buffer.to(device)
    return model


def _window(config: Any) -> int:  # noqa: ANN401 - see above
    described = config.get_text_config() if hasattr(config, "get_text_config") else config
    for key in ("max_position_embeddings", "max_sequence_length", "seq_length", "n_positions"):
        if isinstance(size := getattr(described, key, None), int):
            return size
    return 512  # T5 counts distances, not places, and was trained on 512


def _ends(model: Any, codec: Codec) -> frozenset[int]:  # noqa: ANN401 - see above
    """Ids that end an answer: the model's own end tokens and every special token, since none is part of a text."""
    ends: set[int] = set(getattr(codec, "special_ids", ()))
    for config in (model.config, getattr(model, "generation_config", None)):
        configured = getattr(config, "eos_token_id", None)
        ends |= {configured} if isinstance(configured, int) else set(configured or ())
    return frozenset(ends)

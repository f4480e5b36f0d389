"""Writing model folders: a native edition of a published one, and weights in 4 or 8 bits.

A folder is written under another name and gets its own when it is whole, so that none is ever half there.
"""

import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from kb_server.core.answers import Quantization
from kb_server.core.errors import AlreadyExists, UsageError
from kb_server.llm.chatglm.layouts import Layout
from kb_server.llm.chatglm.tokenizer import SPECIALS, glm_tokenizer
from kb_server.llm.weights.loading import load_weights, unpacked_tensors
from kb_server.llm.weights.quantization import saved_layer
from kb_server.llm.weights.skeleton import SAVED_AS, ModelFiles

if TYPE_CHECKING:
    import torch
    from torch import nn

_SHARD = 1024**3
_CARRIED = ("*.json", "*.model", "*.txt", "*.jinja", "LICENSE*", "MODEL_LICENSE*")  # tokenizer, templates, licences
_NOT_CARRIED = ("config.json", "*.index.json")


def save_quantized(files: ModelFiles, scheme: Quantization, target: Path) -> None:
    """Load a folder in a scheme and write what was made of it to `target`; loading that gives the same weights."""
    if files.saved_scheme is not Quantization.NONE or files.published_int4:
        raise UsageError(
            f"The weights in '{files.folder}' are quantized already.", "Give the folder of the full model."
        )
    if scheme is Quantization.NONE:
        raise UsageError("Nothing to do: the scheme is 'none'.", "Give --to nf4, int4 or int8.")
    model = load_weights(files, scheme, "cpu")
    native = files.layout in (None, Layout.CHATGLM)
    config = dict(files.config) if native else files.native_config().to_dict()
    with written(target) as folder:
        folder.mkdir()
        write_shards(_quantized_tensors(model), folder)
        _carry(files, folder)
        _write_config(config | {SAVED_AS: str(scheme)}, folder)


def convert_native(files: ModelFiles, target: Path) -> None:
    """Write a ChatGLM2, ChatGLM3 or GLM-4 folder, packed or not, as one of transformers' Glm class."""
    if files.layout in (None, Layout.CHATGLM) or files.native:
        raise UsageError(
            f"The model in '{files.folder}' has no native edition to convert to"
            f"{'; it is one already' if files.layout is not Layout.CHATGLM else ''}.",
            "ChatGLM2, ChatGLM3, GLM-4 and their int4 editions can be converted.",
        )
    with written(target) as folder:
        folder.mkdir()
        write_shards(((name, _stored(tensor, files)) for name, tensor in unpacked_tensors(files)), folder)
        _carry(files, folder)
        _write_config(files.native_config().to_dict() | {"dtype": files.config.get("torch_dtype", "float16")}, folder)


@contextmanager
def written(target: Path) -> Iterator[Path]:
    """Give a path for a new file or folder; it becomes `target` if nothing goes wrong. Raises AlreadyExists."""
    if target.exists():
        raise AlreadyExists(f"'{target}' exists already.", "Give another name, or remove it.")
    target.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        yield made / target.name
        (made / target.name).replace(target)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def write_shards(named: "Iterable[tuple[str, torch.Tensor]]", folder: Path) -> None:
    """Write tensors as safetensors of about a GiB each, with the index that says where each one is."""
    from safetensors.torch import save_file

    place: dict[str, str] = {}
    waiting: dict[str, torch.Tensor] = {}

    def write() -> None:
        name = f"model-{len(set(place.values())) + 1:05}.safetensors"
        save_file({key: tensor.contiguous() for key, tensor in waiting.items()}, folder / name, {"format": "pt"})
        place.update(dict.fromkeys(waiting, name))
        waiting.clear()

    for key, tensor in named:
        waiting[key] = tensor
        if sum(part.nbytes for part in waiting.values()) >= _SHARD:
            write()
    if waiting:
        write()
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": place}), "utf-8")


def _stored(tensor: "torch.Tensor", files: ModelFiles) -> "torch.Tensor":
    """Return a tensor as it is stored; numbers from packed weights in the 16 bits that their scales have."""
    return tensor.half() if files.published_int4 else tensor


def _quantized_tensors(model: "nn.Module") -> "Iterator[tuple[str, torch.Tensor]]":
    """Yield every tensor that loading needs; a tied one comes once."""
    seen: set[int] = set()
    for name, layer in model.named_modules():
        parts = saved_layer(layer)
        if parts is None:
            parts = _unseen(layer, seen)
        for key, tensor in parts.items():
            yield f"{name}.{key}" if name else key, tensor


def _unseen(layer: "nn.Module", seen: set[int]) -> "dict[str, torch.Tensor]":
    """Return a layer's own parameters but for those `seen` in another layer; from now on they all are."""
    own = {key: tensor for key, tensor in layer._parameters.items() if tensor is not None}
    parts = {key: tensor.data for key, tensor in own.items() if id(tensor) not in seen}
    seen |= {id(tensor) for tensor in own.values()}
    return parts


def _carry(files: ModelFiles, folder: Path) -> None:
    """Copy what is not weights or code, and write ChatGLM's tokenizer in the form that other programs read."""
    skipped = {file for pattern in _NOT_CARRIED for file in files.folder.glob(pattern)}
    for file in sorted({file for pattern in _CARRIED for file in files.folder.glob(pattern)} - skipped):
        shutil.copy(file, folder)
    if files.layout and files.layout in SPECIALS:
        glm_tokenizer(files.folder, files.layout).save(str(folder / "tokenizer.json"))


def _write_config(config: dict[str, object], folder: Path) -> None:
    for foreign in ("auto_map", "quantization_bit", "_name_or_path"):
        config.pop(foreign, None)
    (folder / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True), "utf-8")

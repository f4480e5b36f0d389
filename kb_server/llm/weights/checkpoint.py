"""Weights on disk, one tensor at a time: safetensors and PyTorch shards.

PyTorch's files are pickles. They are opened with `weights_only=True`, whose reader knows tensors and nothing that runs;
files that need more are refused. See docs/decisions/pytorch-weights.md.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from kb_server.core.errors import GenerationFailed, ModelNotFound

if TYPE_CHECKING:
    import torch

_KINDS = (("model", ".safetensors"), ("pytorch_model", ".bin"))
_AGAIN = "Download the folder again; `kb models pull` continues a broken download."


def shards(folder: Path) -> list[Path]:
    """Return the weight files in the order of their names; raises ModelNotFound unless all are there."""
    for stem, suffix in _KINDS:
        index = folder / f"{stem}{suffix}.index.json"
        whole = folder / f"{stem}{suffix}"
        names = _listed(index) if index.is_file() else [whole.name] if whole.is_file() else []
        if names:
            return [_present(folder / name) for name in names]
    raise ModelNotFound(
        f"The folder '{folder}' has no weights (model.safetensors or pytorch_model.bin, whole or in shards).", _AGAIN
    )


def tensors(shard: Path) -> "Iterator[tuple[str, torch.Tensor]]":
    """Yield the (name, tensor) pairs of one file, mapped rather than read; raises GenerationFailed if it is damaged."""
    import pickle

    from safetensors import SafetensorError

    try:
        yield from _safetensors(shard) if shard.suffix == ".safetensors" else _pickled(shard)
    except (SafetensorError, RuntimeError, OSError, EOFError, pickle.UnpicklingError) as error:
        raise GenerationFailed(
            f"The weights '{shard}' ({shard.stat().st_size:,} bytes) cannot be read: {str(error).splitlines()[0]}",
            f"They may be half-downloaded. {_AGAIN}",
        ) from error


def _safetensors(shard: Path) -> "Iterator[tuple[str, torch.Tensor]]":
    from safetensors import safe_open

    with safe_open(shard, framework="pt") as file:
        names = list(file.keys())
    for name in names:
        # Opened again for each: pages of a mapping stay in memory until it is closed, and a shard has gigabytes.
        with safe_open(shard, framework="pt") as file:
            yield name, file.get_tensor(name)


def _pickled(shard: Path) -> "Iterator[tuple[str, torch.Tensor]]":
    import torch

    read = torch.load(shard, map_location="cpu", mmap=True, weights_only=True)
    yield from read.items()


def _listed(index: Path) -> list[str]:
    try:
        names: dict[str, str] = json.loads(index.read_text("utf-8"))["weight_map"]
        return sorted({Path(name).name for name in names.values()})
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise GenerationFailed(f"The list of weights '{index}' cannot be read: {error}.", _AGAIN) from error


def _present(shard: Path) -> Path:
    if not shard.is_file():
        raise ModelNotFound(f"The weights are not complete: '{shard}' is missing.", _AGAIN)
    with shard.open("rb") as file:
        if file.read(24).startswith(b"version https://git-lfs"):
            raise ModelNotFound(f"'{shard}' is only a git-lfs pointer, not the weights.", "Run: git lfs pull")
    return shard

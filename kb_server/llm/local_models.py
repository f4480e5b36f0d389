"""The language models that are on this machine already."""

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from kb_server.core.answers import Message, Quantization
from kb_server.core.errors import KbError, MissingExtra, ModelNotFound, UsageError
from kb_server.llm.model_files import BUNDLED, smollm2
from kb_server.llm.weights.checkpoint import shards
from kb_server.llm.weights.loading import codec_for
from kb_server.llm.weights.memory import Sizes, free_memory
from kb_server.llm.weights.skeleton import ModelFiles
from kb_server.runtime.model_files import cached_models

HELLO = (Message("user", "你好"),)


@dataclass(frozen=True, slots=True)
class ModelReport:
    """A model: its kind, how its weights are stored, its size, what loading takes by scheme, and a prompt.

    `memory` has bytes at the peak of loading; `prompt_ids` and `prompt` are those of the user message 你好, empty
    with the reason in `problems` where none can be made.
    """

    name: str
    kind: str
    stored: str
    parameters: int
    file_bytes: int
    memory: dict[Quantization, int]
    free: int
    prompt: str
    prompt_ids: tuple[int, ...]
    problems: tuple[str, ...]

    def fits(self, scheme: Quantization) -> bool:
        """Whether the model can be loaded here in this scheme."""
        return self.memory[scheme] <= self.free


def describe(folder: Path, device: str = "cpu") -> ModelReport:
    """Return what a folder holds; raises ModelNotFound or GenerationFailed if it is no model or wants to run code."""
    import torch

    files = ModelFiles(folder)
    stored = files.stored_scheme
    sizes = Sizes.of(files.skeleton(torch.bfloat16))
    schemes = list(Quantization) if stored is Quantization.NONE else [stored]
    problems: list[str] = []
    size, ids, prompt = 0, tuple[int, ...](), ""
    try:
        size = sum(shard.stat().st_size for shard in shards(folder))
    except KbError as error:
        problems.append(str(error))
    try:
        ids, prompt = _prompt(files)
    except (KbError, OSError, ValueError) as error:
        problems.append(f"No prompt can be made: {error}")
    return ModelReport(
        name=folder.resolve().name,
        kind=str(files.layout or files.config.get("model_type")),
        stored=_stored_as(files),
        parameters=sizes.linear + sizes.other,
        file_bytes=size,
        memory={scheme: sizes.peak(scheme) for scheme in schemes},
        free=free_memory(device),
        prompt=prompt,
        prompt_ids=ids,
        problems=tuple(problems),
    )


def _stored_as(files: ModelFiles) -> str:
    """Return the scheme, or the type of plain weights."""
    if files.stored_scheme is not Quantization.NONE:
        return str(files.stored_scheme)
    return str(files.config.get("torch_dtype") or "float")


def _prompt(files: ModelFiles) -> tuple[tuple[int, ...], str]:
    """Return the ids of a prompt, and each id's own text with marks shown by number."""
    codec = codec_for(files)
    ids = codec.encode(HELLO)
    return tuple(ids), "".join(codec.decode([id_]) or f"<{id_}>" for id_ in ids)


_WANTED = ("*.json", "*.safetensors", "*.bin", "*.model", "*.txt", "*.jinja", "*.gguf", "LICENSE*", "MODEL_LICENSE*")


def pull(name: str, target: Path | None, source: str) -> Path:
    """Download weights, config and vocabulary, no code; return the folder. What is there already is not fetched again.

    Raises ModelNotFound with the reason if the model or the network is not there.
    """
    if source == "huggingface":
        return _hugging_face(name, target)
    if source == "modelscope":
        return _modelscope(name, target)
    raise UsageError(f"There is no source '{source}'.", "Use huggingface or modelscope.")


def _hugging_face(name: str, target: Path | None) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OfflineModeIsEnabled

    try:
        return Path(snapshot_download(name, local_dir=target, allow_patterns=list(_WANTED)))
    except (OfflineModeIsEnabled, LocalEntryNotFoundError) as error:
        raise ModelNotFound(
            f"The model '{name}' cannot be downloaded: the hub is not reached or switched off.",
            "Check the network, HF_ENDPOINT and HF_HUB_OFFLINE; or copy the folder from another machine.",
        ) from error
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        raise ModelNotFound(
            f"The model '{name}' cannot be downloaded: {str(error).splitlines()[0]}", "Check its name on the hub."
        ) from error


def _modelscope(name: str, target: Path | None) -> Path:
    try:
        from modelscope import snapshot_download  # type: ignore[import-not-found, unused-ignore]
    except ImportError as error:
        raise MissingExtra("Downloading from ModelScope needs its package.", "Run: pip install modelscope") from error
    try:
        return Path(snapshot_download(name, local_dir=None if target is None else str(target)))
    except (OSError, ValueError) as error:
        raise ModelNotFound(
            f"The model '{name}' cannot be downloaded from ModelScope: {error}", "Check its name and the network."
        ) from error


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A model by the name that settings take, and where it lies."""

    name: str
    path: Path


def local_models() -> list[LocalModel]:
    """Return the bundled model, if it is installed, and the language models in the hub's cache, by name."""
    found = []
    with suppress(ModelNotFound):  # not installed: it is not in the list
        found.append(LocalModel(BUNDLED, smollm2()))
    return found + [LocalModel(name, folder) for name, folder in cached_models() if _writes(folder)]


def _writes(folder: Path) -> bool:
    """Whether a folder's config names a class that writes text."""
    try:
        classes = json.loads((folder / "config.json").read_text("utf-8")).get("architectures") or []
    except (OSError, ValueError):
        return False
    return any(part in name for name in classes for part in ("CausalLM", "ConditionalGeneration", "ChatGLM"))

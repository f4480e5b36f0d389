"""The language models that are on this machine already."""

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from kb_server.core.errors import MissingExtra, ModelNotFound, UsageError
from kb_server.llm.model_files import BUNDLED, smollm2
from kb_server.runtime.model_files import cached_models

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

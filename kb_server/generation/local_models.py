"""The language models that are on this machine already."""

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from kb_server.errors import ModelNotFound
from kb_server.generation.bundled import BUNDLED, smollm2
from kb_server.weights import cached_models


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

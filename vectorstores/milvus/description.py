"""Which index a Milvus store asks for, told from its options alone; see `vectorstores.log.descriptions`."""

from pathlib import Path
from typing import Any


def describe_milvus(_folder: Path, **options: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever the store is made with
    """Say which index is asked for, without asking the server."""
    lite = options.get("uri") is None
    index = options.get("index", "AUTO")
    return {
        "kind": "FLAT" if lite and index == "AUTO" else index,
        "parameters": dict(options.get("index_params") or {}),
        "recall@10": 1.0 if lite and index in ("AUTO", "FLAT") else None,
        "place": "lite" if lite else options["uri"],
    }

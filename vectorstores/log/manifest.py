"""What `sealed.json` says of a store's large part; read without loading anything of it."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)

MANIFEST = "sealed.json"
VERSION = 1


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a file: its identity (hexadecimal), a size in bytes, and the number of records before."""

    identity: str
    end: int
    records: int


@dataclass(frozen=True, slots=True)
class IndexManifest:
    """What `sealed.json` says; `files` is name -> [bytes, crc32]."""

    version: int
    kind: str
    dimension: int
    position: Position
    rows: int
    parameters: Mapping[str, Any]
    token: str
    files: Mapping[str, list[int]]


def read_manifest(folder: Path) -> IndexManifest | None:
    """Return the manifest if there is one that this program can use; what is wrong with it is logged."""
    try:
        values = json.loads((folder / MANIFEST).read_text("utf-8"))
        found = IndexManifest(**{**values, "position": Position(**values["position"])})
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        logger.warning("'%s' is damaged (%s); the index is made again from the log.", folder / MANIFEST, error)
        return None
    return found if found.version == VERSION else None

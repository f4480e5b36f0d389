"""What a datastore is: the model it was made with, its files, and what was tuned on it."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from errno import EDQUOT, ENOSPC
from pathlib import Path
from typing import Any, Self

from kb_server.bases.files import BaseFiles
from kb_server.core.errors import ModelMismatch, StorageError, StorageFull
from kb_server.core.knn_lm import Gate, Mixing, ModelIdentity


@dataclass(frozen=True, slots=True)
class DatastoreState:
    """A datastore: the model that made it, when it last changed (UTC), its size, and how it mixes if it was tuned."""

    model: str
    changed: datetime
    bytes: int
    tuned: Mixing | None


def datastore_states(files: BaseFiles) -> list[DatastoreState]:
    """Return those of a base, the one that changed last first; raises StorageError for a damaged manifest."""
    found = []
    for path in files.folder.glob(f"knn-*/{FILE_NAME}"):
        manifest = DatastoreManifest.read(path.parent)
        if manifest is not None:
            changed = datetime.fromtimestamp(path.stat().st_mtime, UTC).replace(tzinfo=None)
            size = sum(file.stat().st_size for file in path.parent.iterdir() if file.is_file())
            found.append(DatastoreState(manifest.model.name, changed, size, manifest.tuned))
    return sorted(found, key=lambda one: one.changed, reverse=True)


def unwritable(path: Path, error: OSError) -> StorageError:
    """Return what to say when a file cannot be written."""
    if error.errno in (ENOSPC, EDQUOT):
        return StorageFull(f"No space is left at '{path.parent}'.", "Free some space and run the same command again.")
    return StorageError(f"'{path}' cannot be written: {error.strerror}.", "Check the permissions of KB_HOME.")


FILE_NAME = "manifest.json"

FORMAT = 1


@dataclass(frozen=True, slots=True)
class DatastoreManifest:
    """The file `manifest.json`, replaced as a whole; segments that it does not list do not count.

    Texts were read `window` tokens at a time, each with `context` tokens before it that are not stored again.
    """

    model: ModelIdentity
    dimension: int
    window: int
    context: int
    segments: tuple[str, ...] = ()
    tuned: Mixing | None = None
    index: Mapping[str, Any] | None = None

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """Return the manifest of a folder, None if it has none; raises StorageError if it cannot be understood."""
        path = folder / FILE_NAME
        try:
            values = json.loads(path.read_text("utf-8"))
            if values.pop("format") != FORMAT:
                raise ValueError("its format is not one of this program's")
            values["model"] = ModelIdentity(**values["model"])
            values["segments"] = tuple(values["segments"])
            values["tuned"] = _mixing(values["tuned"]) if values["tuned"] else None
            return cls(**values)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StorageError(
                f"The datastore's manifest '{path}' cannot be read: {error}.",
                "Make the datastore again: kb knn build NAME --anew",
            ) from error

    def write(self, folder: Path) -> None:
        """Replace the file at once; raises StorageFull or StorageError."""
        path = folder / FILE_NAME
        try:
            folder.mkdir(parents=True, exist_ok=True)
            unnamed = path.with_suffix(".new")
            with unnamed.open("w", encoding="utf-8") as file:
                json.dump({"format": FORMAT, **asdict(self)}, file, indent=1)
                file.flush()
                os.fsync(file.fileno())
            unnamed.replace(path)
        except OSError as error:
            raise unwritable(path, error) from error

    def with_segments(self, names: tuple[str, ...]) -> Self:
        """Return the manifest with these segments, and without the index, which covers others."""
        return replace(self, segments=names, index=None)

    def check(self, model: ModelIdentity) -> None:
        """Raise ModelMismatch unless the keys were made by this model; its name alone may differ."""
        for name in ("weights", "tokenizer", "layer", "size", "dtype"):
            mine, given = getattr(self.model, name), getattr(model, name)
            if mine != given:
                raise ModelMismatch(
                    f"The datastore was made with '{self.model.name}' ({name} {_short(mine)}), and the model is "
                    f"'{model.name}' ({name} {_short(given)}).",
                    "Put the model back, or make the datastore again: kb knn build NAME",
                )


def _mixing(values: dict[str, Any]) -> Mixing:
    gate = values.pop("gate", None)
    return Mixing(**values, gate=Gate(**gate) if gate else None)


def _short(value: object) -> str:
    return str(value)[:12]

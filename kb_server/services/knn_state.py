"""Which kNN-LM datastores a base has; told from their files, without a model."""

from dataclasses import dataclass
from datetime import UTC, datetime

from kb_server.knnlm.manifest import FILE_NAME, Manifest
from kb_server.mixing import Mixing
from kb_server.services.base_files import BaseFiles


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
        manifest = Manifest.read(path.parent)
        if manifest is not None:
            changed = datetime.fromtimestamp(path.stat().st_mtime, UTC).replace(tzinfo=None)
            size = sum(file.stat().st_size for file in path.parent.iterdir() if file.is_file())
            found.append(DatastoreState(manifest.model.name, changed, size, manifest.tuned))
    return sorted(found, key=lambda one: one.changed, reverse=True)

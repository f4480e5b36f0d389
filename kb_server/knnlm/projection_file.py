"""The file that holds a datastore's projection: two arrays in NumPy's format, without pickles."""

import os
from pathlib import Path

import numpy as np

from kb_server.errors import StorageError
from kb_server.knnlm.files import unwritable
from kb_server.knnlm.manifest import Manifest
from kb_server.knnlm.projection import Projection

FILE_NAME = "projection.npz"


def write_projection(folder: Path, projection: Projection) -> None:
    """Replace the file at once; raises StorageFull or StorageError."""
    path = folder / FILE_NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        unnamed = path.with_suffix(".new")
        with unnamed.open("wb") as file:
            np.savez(file, mean=projection.mean, directions=projection.directions)
            file.flush()
            os.fsync(file.fileno())
        unnamed.replace(path)
    except OSError as error:
        raise unwritable(path, error) from error


def read_projection(folder: Path, manifest: Manifest) -> Projection:
    """Read the file; raises StorageError if it is damaged or of other sizes than the manifest says."""
    path = folder / FILE_NAME
    try:
        with np.load(path, allow_pickle=False) as arrays:
            projection = Projection(arrays["mean"], arrays["directions"])
    except (OSError, ValueError, KeyError) as error:
        raise _damaged(path, str(error)) from error
    if projection.directions.shape != (manifest.model.size, manifest.dimension):
        raise _damaged(path, f"it has the shape {projection.directions.shape}")
    return projection


def _damaged(path: Path, reason: str) -> StorageError:
    return StorageError(f"'{path}' cannot be read: {reason}.", "Make the datastore again: kb knn build NAME --anew")

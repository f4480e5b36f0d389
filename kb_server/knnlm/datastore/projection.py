"""From hidden states to keys: centred, turned to their main directions, cut to fewer, and scaled.

He et al. 2021 (Efficient Nearest Neighbor Language Models) keep 512 of 1024 directions without loss. Distances between
keys are the same under translation, rotation and a PCA of full rank, up to the common scale.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from kb_server.core.errors import StorageError
from kb_server.core.ports import Vectors
from kb_server.knnlm.datastore.manifest import DatastoreManifest, unwritable

_LARGEST = 65504.0  # of float16

Keys = npt.NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class Projection:
    """`(states - mean) @ directions`: mean [size], directions [size, dimension] with the scale in them."""

    mean: Vectors
    directions: Vectors

    @classmethod
    def fitted(cls, states: Vectors, dimension: int) -> Self:
        """Fit on states [n, size]; afterwards the mean squared distance of a key from the mean of all is 1.

        Where the size is no larger than `dimension` nothing is turned or cut.
        """
        mean = states.mean(0, dtype=np.float64)
        centred: npt.NDArray[np.float64] = states - mean
        size = states.shape[1]
        spread = float((centred**2).sum(1).mean()) ** 0.5 or 1.0
        directions: npt.NDArray[np.float64] = np.eye(size)
        if size > dimension:
            _, vectors = np.linalg.eigh(centred.T @ centred)
            directions = vectors[:, ::-1][:, :dimension].astype(np.float64)
        return cls(mean.astype(np.float32), (directions / spread).astype(np.float32))

    @property
    def dimension(self) -> int:
        """Length of a key."""
        return int(self.directions.shape[1])

    def keys(self, states: Vectors) -> Keys:
        """Return what is stored for states [n, size]: float16 [n, dimension]."""
        return np.clip(self.queries(states), -_LARGEST, _LARGEST).astype(np.float16)

    def queries(self, states: Vectors) -> Vectors:
        """Return what is compared with stored keys: float32 [n, dimension]."""
        projected = (states - self.mean) @ self.directions
        return projected.astype(np.float32, copy=False)


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


def read_projection(folder: Path, manifest: DatastoreManifest) -> Projection:
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

"""From hidden states to keys: centred, turned to their main directions, cut to fewer, and scaled.

He et al. 2021 (Efficient Nearest Neighbor Language Models) keep 512 of 1024 directions without loss. Distances between
keys are the same under translation, rotation and a PCA of full rank, up to the common scale.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from kb_server.ports import Vectors

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

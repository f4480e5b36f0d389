"""What a cosine is worth: unrelated texts have one of about .7 with some embedders, and of nearly 0 with others.

The floor is measured with a few texts that have nothing to do with each other, once for each embedder. What lies above
it is stretched to 0..1, so that a score means the same in bases of different embedders. Texts of two scripts are used:
within one script unrelated texts are nearer, but a floor of each script would cut off what one finds in the other.
"""

from threading import Lock

import numpy as np
import numpy.typing as npt

from kb_server.core.ports import Embedder

_ENGLISH = (
    "The committee approved the budget for road repairs in the northern district last Thursday.",
    "Beat the eggs with the sugar until pale, then fold in the flour and bake for forty minutes.",
    "Penguins huddle together in winter to keep the eggs warm while the others feed at sea.",
)
_CHINESE = ("员工每年有多少天带薪年假？", "这台设备多久检修一次？", "苹果树在什么季节开花？")

_NARROW = 0.5  # an embedder with a lower floor uses the whole scale

Floats = npt.NDArray[np.float64]

_measured: dict[str, float] = {}
_measuring = Lock()


def cosine_floor(embedder: Embedder) -> float:
    """Return the cosine that texts have that have nothing to do with each other; 0 if the whole scale is used."""
    with _measuring:
        if embedder.fingerprint not in _measured:
            passages = embedder.embed_passages(_ENGLISH)
            cosines = [passages @ embedder.embed_query(question) for question in _CHINESE]
            floor = float(np.median(cosines))
            _measured[embedder.fingerprint] = floor if floor > _NARROW else 0.0
        return _measured[embedder.fingerprint]


def above(floor: float, cosines: npt.ArrayLike) -> Floats:
    """Stretch what lies above the floor to 0..1; what lies below is 0."""
    return np.maximum(0.0, (np.asarray(cosines, np.float64) - floor) / (1 - floor))

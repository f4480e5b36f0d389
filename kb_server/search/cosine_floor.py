"""What a cosine is worth: unrelated texts have one of about .7 with some embedders, and of nearly 0 with others.

The floors are measured with a few texts that have nothing to do with each other, once for each embedder. What lies
above one is stretched to 0..1, so that a score means the same in bases of different embedders. Unrelated texts of one
script are nearer to each other than those of two: where passages of both are compared, each has its own floor.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from kb_server.core.ports import Embedder

_QUESTIONS = {
    "other": (
        "How do I reset the password of my account?",
        "When was the bridge over the river built?",
        "What does the red warning light mean?",
    ),
    "cjk": ("员工每年有多少天带薪年假？", "这台设备多久检修一次？", "苹果树在什么季节开花？"),
}
_PASSAGES = {
    "other": (
        "The committee approved the budget for road repairs in the northern district last Thursday.",
        "Beat the eggs with the sugar until pale, then fold in the flour and bake for forty minutes.",
        "Penguins huddle together in winter to keep the eggs warm while the others feed at sea.",
    ),
    "cjk": (
        "本店支持七天无理由退货，请保持商品包装完好并保留购物小票。",
        "乐队在第三首歌结束后短暂休息，随后演奏了两首新作品。",
        "该省去年粮食总产量比前年增长百分之二，其中小麦增幅最大。",
    ),
}
_NARROW = 0.5  # an embedder with a lower floor across scripts uses the whole scale

Floats = npt.NDArray[np.float64]

_ALL_ALIKE = 0.95  # one to which all texts are the same has no scale at all

_measured: WeakKeyDictionary[Embedder, "Floors"] = WeakKeyDictionary()
_measuring = Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Floors:
    """Cosines, 0..1, of unrelated texts, by the scripts of question and passage; 0 if the whole scale is used."""

    pairs: Mapping[tuple[str, str], float]

    @property
    def lowest(self) -> float:
        """The one by which passages of all scripts are ranked together."""
        return min(self.pairs.values())


def cosine_floors(embedder: Embedder) -> Floors:
    """Return the floors of an embedder, measured when they are first asked for."""
    with _measuring:
        if embedder not in _measured:
            _measured[embedder] = _measure(embedder)
        return _measured[embedder]


def cosine_floor(embedder: Embedder) -> float:
    """Return the lowest floor, by which passages of all scripts are ranked."""
    return cosine_floors(embedder).lowest


def _measure(embedder: Embedder) -> Floors:
    passages = {name: embedder.embed_passages(texts) for name, texts in _PASSAGES.items()}
    asked = {name: np.stack([embedder.embed_query(text) for text in texts]) for name, texts in _QUESTIONS.items()}
    pairs = {(one, other): float(np.median(asked[one] @ passages[other].T)) for one in asked for other in passages}
    return Floors(pairs=pairs if _NARROW < min(pairs.values()) < _ALL_ALIKE else dict.fromkeys(pairs, 0.0))


def above(floor: float, cosines: npt.ArrayLike) -> Floats:
    """Stretch what lies above the floor to 0..1; what lies below is 0."""
    return np.maximum(0.0, (np.asarray(cosines, np.float64) - floor) / (1 - floor))

"""The words of kNN-LM: how two next-token distributions are mixed, and what is known of a token afterwards.

A datastore holds for each token of the base's text the hidden state before it (its key). While a model writes, the
tokens that followed the nearest keys form a second distribution, which is mixed with the model's own (Khandelwal et al.
2020, Generalization through Memorization).
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from kb_server.core.errors import UsageError


class KnnScope(StrEnum):
    """Which keys are compared: those of the passages that were retrieved, or all of the base."""

    RETRIEVED = "retrieved"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Gate:
    """The neighbours' share as a sigmoid of what is known at a step: bias + the three, each times its number.

    `distance` is of the logarithm of the nearest's and never positive, so farther never means more; `entropy` is of the
    model's own (nats), `agreement` of the part of the neighbours' mass that goes to the nearest's token.
    """

    bias: float
    distance: float
    entropy: float
    agreement: float


@dataclass(frozen=True, slots=True)
class Mixing:
    """How much weight the neighbours get, and how it is shared among them.

    Of the `k` nearest keys each gets exp(-distance / temperature); distances are squared Euclidean, in units of the
    datastore's mean squared distance between a key and the mean of all. With `weight` given, the neighbours' share
    (lambda) is fixed. Otherwise it follows how much nearer the first is than the last (Li et al. 2024, NEST):
    min(cap, sigmoid((midpoint - d_min / d_max) / slope)); or a `gate` that was fitted decides, up to the same cap.
    Where the nearest is beyond `limit` the share is 0.
    `pointers` makes the token after each neighbour a candidate at the next step (Alon et al. 2022, RetoMaton).
    """

    k: int = 64
    temperature: float = 0.06
    weight: float | None = None
    cap: float = 0.25
    midpoint: float = 0.2
    slope: float = 0.2
    limit: float | None = None
    pointers: bool = True
    gate: Gate | None = None


UNTUNED = Mixing(limit=0.5)  # what is farther than half the keys' spread has little to do with the text; see results.md


@dataclass(frozen=True, slots=True)
class KnnAsk:
    """How one question uses the datastore; what is None is as `kb knn tune` found it, or the default.

    `passages` is how many retrieved passages are compared, be they in the prompt or not; with `sentences` only so many
    of their sentences are, those that answer the question best. `closed_book` leaves all of them out of the prompt, so
    that the base speaks through the neighbours alone.
    """

    scope: KnnScope = KnnScope.RETRIEVED
    passages: int = 20
    closed_book: bool = False
    k: int | None = None
    temperature: float | None = None
    weight: float | None = None
    cap: float | None = None
    sentences: int | None = None

    def mixing(self, tuned: Mixing | None) -> Mixing:
        """Return how to mix. A weight that is asked for holds at any distance."""
        given: dict[str, Any] = {"k": self.k, "temperature": self.temperature, "weight": self.weight, "cap": self.cap}
        found = replace(tuned or UNTUNED, **{name: value for name, value in given.items() if value is not None})
        return found if self.weight is None else replace(found, limit=None)


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """What a key depends on: the model with its weights, the tokenizer, the layer, the key's size, the number format.

    `weights` and `tokenizer` are hexadecimal digests.
    """

    name: str
    weights: str
    tokenizer: str
    layer: str
    size: int
    dtype: str


@dataclass(frozen=True, slots=True)
class TokenSource:
    """A place in the base that made a token likelier: `start` counts characters of the document.

    `offset` counts tokens of the document; `mass` is the share of the token's probability that came from here.
    """

    document: str
    chunk_id: int
    offset: int
    start: int
    mass: float


@dataclass(frozen=True, slots=True)
class TokenOrigin:
    """A written token and where it came from.

    `weight` is the neighbours' share at this step (lambda), `mass` how much of the token's `probability` they gave,
    `entropy` (nats) how unsure the model was by itself. `decided` says that the neighbours gave most of it.
    """

    token: str
    weight: float
    mass: float
    probability: float
    entropy: float
    sources: tuple[TokenSource, ...] = ()

    @property
    def decided(self) -> bool:
        """Whether the neighbours gave more of the probability than the model."""
        return self.mass > self.probability / 2


@dataclass(frozen=True, slots=True)
class KnnTrace:
    """What the neighbours did in one answer: `keys` were compared; `reason` says why there were none."""

    keys: int
    tokens: tuple[TokenOrigin, ...] = ()
    reason: str | None = None


def needs_states(name: str) -> UsageError:
    """Return what to say of a backend or a model that gives no hidden states."""
    return UsageError(
        f"kNN-LM needs the hidden states of a language model in this process; '{name}' gives none.",
        "Set generation.backend to transformers, or ask without --knn-lm.",
    )

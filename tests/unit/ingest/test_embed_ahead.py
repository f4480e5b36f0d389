"""Embedding ahead: in order, and of large batches never more than two at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from kb_server.core.ports import Vectors
from kb_server.ingest.embed_ahead import EmbedAhead


class Lengths:
    """A vector is the length of its text."""

    name, dimension, fingerprint = "lengths", 1, "lengths"

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        return np.array([[len(text)] for text in texts], np.float32)

    def embed_query(self, text: str) -> Vectors:
        return np.asarray(self.embed_passages([text])[0])


@dataclass
class Texts:
    """A batch."""

    texts: list[str]

    def embedded(self, count: int) -> None:
        pass


@pytest.mark.parametrize(("sizes", "most"), [([5000] * 6, 2), ([200] * 20, 3), ([0, 3000, 1, 2000, 2000], 3)])
def test_batches_come_in_order_and_few_are_there_at_a_time(sizes: list[int], most: int) -> None:
    begun, held = 0, []

    def batches() -> Iterator[Texts]:
        nonlocal begun
        for number, size in enumerate(sizes, start=1):
            begun += 1
            yield Texts(["x" * number] * size)

    done = 0
    for batch, vectors in EmbedAhead[Texts](Lengths()).run(batches()):
        held.append(begun - done)
        done += 1
        assert vectors.shape == (sizes[done - 1], 1)
        assert set(vectors.ravel()) <= {done}
        assert len(batch.texts) == sizes[done - 1]
    assert done == len(sizes)
    assert max(held) <= most

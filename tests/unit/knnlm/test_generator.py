"""A model and a datastore that write together, also where something stands before the model."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from kb_server.core.answers import Message, Sampling
from kb_server.core.domain import Chunk
from kb_server.core.errors import UsageError
from kb_server.core.knn_lm import KnnAsk, KnnTrace, Mixing
from kb_server.core.ports import Generator
from kb_server.evaluation.cost import MeteredGenerator
from kb_server.knnlm.datastore.build import Builder, DatastoreShape
from kb_server.knnlm.datastore.store import Datastore
from kb_server.knnlm.generator import MixedGenerator
from kb_server.knnlm.knn_lm import KnnLm, NeighbourMixer
from kb_server.knnlm.search import ExactSearch
from kb_server.llm.engines.transformers import TransformersGenerator
from tests.models.tiny import tiny_model

torch = pytest.importorskip("torch", reason="needs the extra `generate`")

TEXT = "The cat sat on the mat. The dog ran off."
CHUNK = Chunk(id=7, document_id=1, document="a.txt", text=TEXT, start=0, end=len(TEXT), page=None, heading_path=())
ASKED = [Message("user", "The cat sat on")]


class Base:
    """What a MixedGenerator asks of a base's KnnLm: a real datastore, mixed with all the weight there is."""

    def __init__(self, generator: TransformersGenerator, folder: Path) -> None:
        self._model = generator.next_token_model()
        Builder(folder, self._model, DatastoreShape(16, 32, 8), lambda _: (TEXT, [CHUNK])).run([3])
        self._store = Datastore.open(folder, self._model.identity())

    def mixer(self, *_: object) -> tuple[NeighbourMixer, None]:
        search = ExactSearch(self._store, self._store.active([CHUNK.id]))
        mixing = Mixing(k=1, weight=1.0, pointers=False)
        return NeighbourMixer(self._store, search, mixing, self._model.decode), None

    def chunks(self, _: Sequence[int]) -> dict[int, Chunk]:
        return {CHUNK.id: CHUNK}


Mixed = Callable[[Generator], MixedGenerator]


@pytest.fixture
def generator(tmp_path: Path) -> TransformersGenerator:
    return TransformersGenerator(str(tiny_model(tmp_path / "llama", "llama")), device="cpu")


@pytest.fixture
def mixed(generator: TransformersGenerator, tmp_path: Path) -> Mixed:
    base = cast("Any", Base(generator, tmp_path / "knn-1"))
    return lambda before: MixedGenerator(before, cast("KnnLm", base), [CHUNK], KnnAsk())


def written(mixed: MixedGenerator) -> tuple[str, KnnTrace]:
    text = "".join(mixed.stream(ASKED, Sampling(max_tokens=8)))
    return text, mixed.trace()


def test_a_meter_before_the_model_counts_and_changes_nothing(generator: TransformersGenerator, mixed: Mixed) -> None:
    alone = "".join(generator.stream(ASKED, Sampling(max_tokens=8)))
    text, trace = written(mixed(generator))
    assert text != alone
    assert trace.tokens
    meter = MeteredGenerator(generator)
    assert written(mixed(meter)) == (text, trace)
    assert meter.take() == {"prompt": generator.count_tokens(ASKED), "answer": len(trace.tokens)}


class Speaker:
    """A Generator that nothing can be mixed into."""

    name = "far-away"
    context_window = 100

    def count_tokens(self, messages: Sequence[Message]) -> int:
        return len(messages)

    def stream(self, messages: Sequence[Message], sampling: Sampling) -> Iterator[str]:  # noqa: ARG002 - a Generator's
        yield "Well."


def test_a_model_that_nothing_can_be_mixed_into_is_named(mixed: Mixed) -> None:
    with pytest.raises(UsageError, match="'far-away' gives none"):
        mixed(Speaker())
    with pytest.raises(UsageError, match="'far-away' gives none"):
        list(mixed(MeteredGenerator(Speaker())).stream(ASKED, Sampling()))

"""A model that writes with a base's datastore: over a real base and a tiny real decoder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kb_server.core.answers import Message, Sampling
from kb_server.core.domain import Chunk
from kb_server.core.errors import NotFound
from kb_server.core.knn_lm import KnnAsk, KnnScope, Mixing
from kb_server.knnlm.datastore.build import DatastoreShape
from kb_server.knnlm.generator import MixedGenerator
from kb_server.knnlm.knn_lm import KnnLm
from tests.models.tiny import tiny_model
from tests.workshop import Workshop, workshop

torch = pytest.importorskip("torch", reason="needs the extra `generate`")

from kb_server.llm.engines.transformers import TransformersGenerator  # noqa: E402 - once torch is known to be there

TEXT = "The cat sat on the mat. The dog ran off."
ASKED = [Message("user", "The cat")]
SAMPLING = Sampling(max_tokens=12)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TransformersGenerator]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # a team of threads for so small a model mostly waits for itself
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kb_server.llm.weights.loading.fast_dtype", lambda _: torch.float32)
        yield TransformersGenerator(str(tiny_model(tmp_path_factory.mktemp("tiny"), "llama")), device="cpu")
    torch.set_num_threads(threads)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    with workshop(tmp_path / "home") as made:
        made.app.bases.create("pets", embedder="toy")
        made.ingest("pets", tmp_path / "texts", cat=TEXT, other="Another text, about the harbour.")
        yield made


@pytest.fixture
def knn(shop: Workshop, model: TransformersGenerator) -> KnnLm:
    return KnnLm(
        shop.app.bases.open("pets"), model.next_token_model, DatastoreShape(dimension=32, window=32, context=8)
    )


def _chunks(shop: Workshop, document: str) -> list[Chunk]:
    rows = shop.app.bases.open("pets").documents
    return [chunk for one in rows.all() if one.name == document for chunk in rows.chunks.of_document(one.id)]


def test_with_all_weight_on_the_passages_it_writes_their_words(
    shop: Workshop, knn: KnnLm, model: TransformersGenerator
) -> None:
    report = knn.build()
    assert (report.documents, report.dropped, report.indexed) == (2, 0, False)
    assert report.keys == report.read
    asked = KnnAsk(weight=1.0, k=1, temperature=1e-3)
    mixed = MixedGenerator(model, knn, _chunks(shop, "cat.txt"), asked)
    text = "".join(mixed.stream(ASKED, SAMPLING))
    trace = mixed.trace()
    assert trace.reason is None
    assert trace.keys == len(TEXT), "a byte of the passage is a key, and the other document has no part"
    assert {source.document for token in trace.tokens for source in token.sources} == {"cat.txt"}
    assert set(text) <= set(TEXT)


def test_without_weight_it_writes_what_the_model_writes_alone(
    shop: Workshop, knn: KnnLm, model: TransformersGenerator
) -> None:
    knn.build()
    mixed = MixedGenerator(model, knn, _chunks(shop, "cat.txt"), KnnAsk(weight=0.0))
    assert "".join(mixed.stream(ASKED, SAMPLING)) == "".join(model.stream(ASKED, SAMPLING))
    assert (mixed.name, mixed.context_window) == (model.name, model.context_window)
    assert mixed.count_tokens(ASKED) == model.count_tokens(ASKED)
    assert not any(token.decided for token in mixed.trace().tokens)


def test_where_no_passage_is_in_the_datastore_the_reason_is_given(
    shop: Workshop, knn: KnnLm, model: TransformersGenerator, tmp_path: Path
) -> None:
    knn.build()
    shop.ingest("pets", tmp_path / "texts", late="What came after the datastore was made.")
    mixed = MixedGenerator(model, knn, _chunks(shop, "late.txt"), KnnAsk())
    assert "".join(mixed.stream(ASKED, SAMPLING)) == "".join(model.stream(ASKED, SAMPLING))
    assert "kb knn build brings it up to date" in (mixed.trace().reason or "")
    whole = MixedGenerator(model, knn, [], KnnAsk(scope=KnnScope.ALL))
    assert (whole.trace().reason, whole.trace().keys) == (None, len(knn.whole().active.rows))


def test_a_datastore_follows_its_base_and_keeps_what_was_tuned(shop: Workshop, knn: KnnLm, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="kb knn build"):
        knn.store()
    with pytest.raises(NotFound, match="kb knn build"):
        knn.keep_tuned(Mixing(k=3))
    first = knn.build()
    knn.keep_tuned(Mixing(k=3))
    shop.ingest("pets", tmp_path / "texts", cat=None, late="What came later.")
    told: list[tuple[int, int]] = []
    second = knn.build(on_progress=lambda done, total: told.append((done, total)))
    assert (second.documents, second.read) == (1, len("What came later."))
    assert second.dropped == len(TEXT)
    assert second.keys == first.keys - len(TEXT) + len("What came later.")
    assert told == [(0, 2)]
    assert knn.store().manifest.tuned == Mixing(k=3)
    anew = knn.build(anew=True)
    assert (anew.documents, anew.keys) == (2, second.keys)

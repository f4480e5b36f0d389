"""kNN-LM inside real decoders of several families: invariants 1, 2, 17, 22 and 25, and models that cannot have it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kb_server.core.answers import Message, Quantization, Sampling
from kb_server.core.domain import Chunk
from kb_server.core.errors import GenerationFailed
from kb_server.core.knn_lm import Mixing
from kb_server.core.ports import NextTokenModel
from kb_server.knnlm.datastore.build import Builder, DatastoreShape
from kb_server.knnlm.datastore.store import Datastore
from kb_server.knnlm.knn_lm import KnnLm, NeighbourMixer
from kb_server.knnlm.search import ExactSearch
from kb_server.llm.decoding.sampling import choose
from kb_server.llm.engines.transformers import TransformersGenerator
from tests.models import published
from tests.models.tiny import tiny_model
from tests.workshop import workshop

torch = pytest.importorskip("torch", reason="needs the extra `generate`")

FAMILIES = ["llama", "gpt2", "qwen2", "glm", "gpt_neox", "opt", "chatglm3", "chatglm1"]
TEXT = "The cat sat on the mat. The dog ran off.\n\nAnother paragraph, with words in it. 你好，世界。"
CHUNKS = [
    Chunk(id=n, document_id=1, document="a.txt", text=TEXT[a:b], start=a, end=b, page=None, heading_path=())
    for n, (a, b) in {7: (0, 24), 9: (24, 40), 11: (42, len(TEXT))}.items()
]
ASKED = [Message("user", "The cat sat on")]
SHAPE = DatastoreShape(dimension=32, window=32, context=8)

Make = Callable[..., TransformersGenerator]


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Make]:
    """Return what loads a tiny model of a family, in 32 bits unless it is quantized."""
    home = tmp_path_factory.mktemp("models")
    folders: dict[str, Path] = {}

    def made(family: str, **options: Any) -> TransformersGenerator:  # noqa: ANN401 - options of any kind
        if family not in folders:
            folders[family] = _written(home / family, family)
        return TransformersGenerator(str(folders[family]), device="cpu", **options)

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # a team of threads for so small a model mostly waits for itself
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kb_server.llm.weights.loading.fast_dtype", lambda _: torch.float32)
        yield made
    torch.set_num_threads(threads)


def _written(folder: Path, family: str) -> Path:
    if family == "chatglm3":
        return published.write(folder / "chatglm3-6b", *published.chatglm23(400), published.sentencepiece_model())
    if family == "chatglm1":
        config, weights = published.chatglm1(500)
        marks = ("<unused>", "[MASK]", "[gMASK]", "[sMASK]")
        return published.write(folder / "chatglm-6b", config, weights, published.sentencepiece_model(384, marks))
    return tiny_model(folder, family)


def store_of(model: NextTokenModel, folder: Path) -> Datastore:
    Builder(folder, model, SHAPE, lambda _: (TEXT, CHUNKS)).run([3])
    return Datastore.open(folder, model.identity())


def mixer_of(model: NextTokenModel, store: Datastore, mixing: Mixing) -> NeighbourMixer:
    return NeighbourMixer(store, ExactSearch(store, store.active([7, 9, 11])), mixing, model.decode)


def chunks(ids: Any) -> dict[int, Chunk]:  # noqa: ANN401 - ids
    return {chunk.id: chunk for chunk in CHUNKS if chunk.id in ids}


@pytest.mark.parametrize("family", FAMILIES)
def test_keys_and_answers_of_a_family(make: Make, tmp_path: Path, family: str) -> None:
    generator = make(family)
    forward = generator._loaded().model.forward
    model = generator.next_token_model()
    store = store_of(model, tmp_path / "knn-1")
    ids = model.encode(TEXT[:24])
    assert store.tokens[: len(ids)].tolist() == ids
    expected = store.projection.queries(model.states([*model.lead(), *ids], len(ids)))
    assert store.keys(np.arange(len(ids))) == pytest.approx(expected, abs=2e-2)

    plain = "".join(generator.stream(ASKED, Sampling(max_tokens=12)))
    idle = mixer_of(model, store, Mixing(weight=0.0))
    assert "".join(generator.stream_mixed(ASKED, Sampling(max_tokens=12), idle)) == plain
    assert idle.trace(chunks).tokens == ()

    whole = mixer_of(model, store, Mixing(k=1, weight=1.0, pointers=False))
    out = "".join(generator.stream_mixed(ASKED, Sampling(max_tokens=12), whole))
    assert out != plain
    trace = whole.trace(chunks)
    for token in trace.tokens:
        assert token.weight == 1.0
        assert token.probability == pytest.approx(1.0)
        assert [source.mass for source in token.sources] == [pytest.approx(1.0)]
        assert token.sources[0].document == "a.txt"

    module = generator._loaded().model
    assert module.forward == forward
    assert not any(part._forward_pre_hooks or part._forward_hooks for part in module.modules())


@pytest.mark.parametrize("family", ["llama", "gpt2", "glm"])
def test_without_weight_the_logits_are_the_same_bits(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, family: str
) -> None:
    """Alone with the cache, and padded in a batch; the datastore is not asked once."""
    generator = make(family, prefix_cache=0)
    model = generator.next_token_model()
    store = store_of(model, tmp_path / "knn-1")
    seen: list[Any] = []

    def choosing(given: Any, *rest: Any) -> int:  # noqa: ANN401 - passed on as they are
        seen.append(given.clone())
        return choose(given, *rest)

    monkeypatch.setattr("kb_server.llm.decoding.batch.choose", choosing)
    monkeypatch.setattr(ExactSearch, "nearest", lambda *_: pytest.fail("a search was made"))
    decoder = generator._made_ready().decoder
    prompts = [generator._loaded().codec.encode([Message("user", text)]) for text in ("a", "a longer question")]

    def logits(weight: float | None) -> list[Any]:
        seen.clear()
        mixers = [None if weight is None else mixer_of(model, store, Mixing(weight=weight)) for _ in prompts]
        rows = [decoder.tokens(p, Sampling(max_tokens=9), 9, mixer) for p, mixer in zip(prompts, mixers, strict=True)]
        while any([next(row, None) is not None for row in rows]):  # noqa: C419 - every row takes its turn
            pass
        return list(seen)

    plain, mixed = logits(None), logits(0.0)
    assert len(plain) == len(mixed) > 9
    assert all(torch.equal(a, b) for a, b in zip(plain, mixed, strict=True))


@pytest.mark.parametrize("family", ["llama", "gpt2", "qwen2", "chatglm3"])
def test_padded_batches_write_what_each_writes_alone(make: Make, tmp_path: Path, family: str) -> None:
    generator = make(family)
    model = generator.next_token_model()
    store = store_of(model, tmp_path / "knn-1")
    mixing = Mixing(k=8, weight=0.6, temperature=0.1)
    decoder = generator._made_ready().decoder
    texts = ["a", "The dog ran off and then", "words"]
    prompts = [generator._loaded().codec.encode([Message("user", text)]) for text in texts]
    alone, together = [], [list[int]() for _ in prompts]
    traces = []
    for prompt in prompts:
        mixer = mixer_of(model, store, mixing)
        alone.append(list(decoder.tokens(prompt, Sampling(max_tokens=12), 12, mixer)))
        traces.append(mixer.trace(chunks))
    mixers = [mixer_of(model, store, mixing) for _ in prompts]
    rows = [decoder.tokens(p, Sampling(max_tokens=12), 12, mixer) for p, mixer in zip(prompts, mixers, strict=True)]
    for _ in range(13):
        for row, got in zip(rows, together, strict=True):
            got += [token for token in [next(row, None)] if token is not None]
    assert together == alone
    for mixer, trace in zip(mixers, traces, strict=True):
        mine = mixer.trace(chunks)
        assert [t.token for t in mine.tokens] == [t.token for t in trace.tokens]
        assert [t.weight for t in mine.tokens] == pytest.approx([t.weight for t in trace.tokens], abs=1e-3)
        assert [t.mass for t in mine.tokens] == pytest.approx([t.mass for t in trace.tokens], abs=1e-2)


def test_a_row_without_a_mixer_is_untouched_by_one_beside_it(make: Make, tmp_path: Path) -> None:
    generator = make("llama")
    model = generator.next_token_model()
    store = store_of(model, tmp_path / "knn-1")
    decoder = generator._made_ready().decoder
    prompts = [generator._loaded().codec.encode([Message("user", text)]) for text in ("one", "another one")]
    alone = list(decoder.tokens(prompts[0], Sampling(max_tokens=10), 10))
    mixer = mixer_of(model, store, Mixing(weight=0.9))
    rows = [
        decoder.tokens(prompts[0], Sampling(max_tokens=10), 10),
        decoder.tokens(prompts[1], Sampling(max_tokens=10), 10, mixer),
    ]
    got: list[int] = []
    for _ in range(10):
        got += [token for token in [next(rows[0], None)] if token is not None]
        next(rows[1], None)
    assert got == alone


def test_right_padding_does_not_reach_the_states_before_it(make: Make) -> None:
    """What is read after a token has no part in its state, so texts may be read in windows of any length."""
    model = make("gpt2").next_token_model()
    ids = [*model.lead(), *model.encode(TEXT)]
    longer = model.states(ids, len(ids) - 1)
    shorter = model.states(ids[:20], 19)
    assert longer[:19] == pytest.approx(shorter, abs=1e-4)


@pytest.mark.parametrize("scheme", [Quantization.NF4, Quantization.INT4])
def test_models_in_4_bits_have_keys_of_their_own(make: Make, tmp_path: Path, scheme: Quantization) -> None:
    pytest.importorskip("bitsandbytes", reason="needs the extra `quantize`")
    generator = make("chatglm3", quantization=scheme)
    whole, small = make("chatglm3").next_token_model(), generator.next_token_model()
    store = store_of(small, tmp_path / "knn-1")
    assert small.identity().weights != whole.identity().weights
    mixer = mixer_of(small, store, Mixing(k=1, weight=1.0))
    assert "".join(generator.stream_mixed(ASKED, Sampling(max_tokens=8), mixer))
    assert all(token.sources for token in mixer.trace(chunks).tokens)


def test_the_identity_follows_weights_and_tokenizer(make: Make, tmp_path: Path) -> None:
    one = make("llama").next_token_model().identity()
    assert make("llama").next_token_model().identity() == one
    other = TransformersGenerator(str(tiny_model(tmp_path / "llama", "llama", seed=1)), device="cpu")
    changed = other.next_token_model().identity()
    assert (changed.weights != one.weights, changed.tokenizer == one.tokenizer) == (True, True)


def test_scores_are_the_log_probabilities_of_the_model(make: Make) -> None:
    generator = make("qwen2")
    model = generator.next_token_model()
    ids = [*model.lead(), *model.encode("The cat sat")]
    states, scores, entropies = model.score(ids, 5)
    with torch.inference_mode():
        logits = generator._loaded().model(input_ids=torch.tensor([ids])).logits[0, -6:-1]
    expected = logits.log_softmax(-1).gather(1, torch.tensor(ids[-5:])[:, None])[:, 0]
    assert scores == pytest.approx(expected.numpy(), abs=1e-4)
    assert entropies == pytest.approx(torch.distributions.Categorical(logits=logits).entropy().numpy(), abs=1e-3)
    assert states == pytest.approx(model.states(ids, 5), abs=1e-4)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_models_in_16_bits_mix_to_one(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dtype: str) -> None:
    monkeypatch.setattr("kb_server.llm.weights.loading.fast_dtype", lambda _: getattr(torch, dtype))
    generator = make("llama")
    model = generator.next_token_model()
    assert model.identity().dtype == dtype
    store = store_of(model, tmp_path / "knn-1")
    mixer = mixer_of(model, store, Mixing(k=8, weight=0.4))
    sums: list[float] = []
    mix = mixer.mix

    def summing(logits: Any, state: Any) -> Any:  # noqa: ANN401 - passed on as they are
        mixed = mix(logits, state)
        assert mixed is not None
        sums.append(float(np.exp(mixed).sum()))
        return mixed

    monkeypatch.setattr(mixer, "mix", summing)
    assert "".join(generator.stream_mixed(ASKED, Sampling(max_tokens=8), mixer))
    assert sums == pytest.approx([1.0] * len(sums), abs=1e-6)
    assert len(sums) == len(mixer.trace(chunks).tokens) > 0


@pytest.mark.parametrize("family", ["mamba", "t5"])
def test_models_without_a_key_layer_are_refused_by_name(make: Make, family: str) -> None:
    with pytest.raises(GenerationFailed, match=family) as refused:
        make(family).next_token_model()
    assert "Llama" in refused.value.hint


def test_words_that_two_documents_share_count_once_and_stay_when_one_of_them_goes(make: Make, tmp_path: Path) -> None:
    with workshop(tmp_path / "home") as shop:
        shop.app.bases.create("notes", "faiss", "toy")
        shop.ingest("notes", tmp_path / "texts", a="The cat sat on the mat.", b="The cat sat on the mat.")
        opened, model = shop.app.bases.open("notes"), make("gpt2").next_token_model()
        knn = KnnLm(opened, lambda: model, SHAPE)
        knn.build()
        (first,), (second,) = (opened.chunks.of_document(one.id) for one in opened.documents.all())
        assert set(knn.active().owners.tolist()) == {first.id}
        shop.ingest("notes", tmp_path / "texts", a=None)
        assert set(knn.active().owners.tolist()) == {second.id}, "without being built again"
        assert knn.chunks([first.id, second.id]) == {second.id: second}

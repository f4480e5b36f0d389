"""Answers decoded together, prefixes read once, what stops an answer, and the queue before a model."""

import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb_server.core.answers import Message, Sampling
from kb_server.core.errors import Overloaded
from kb_server.llm.admission import Admission
from kb_server.llm.decoding.text import until_stop, without_leading_space
from tests.models import published

torch = pytest.importorskip("torch", reason="needs the extra `generate`")

from kb_server.llm.decoding.prefix_cache import PrefixCache  # noqa: E402 - after the package is known to be there
from kb_server.llm.decoding.sampling import choose  # noqa: E402
from kb_server.llm.engines.transformers import TransformersGenerator  # noqa: E402

QUESTIONS = ["你好", "知识库回答关于文档的问题。", "The quick brown fox", "天地玄黄，宇宙洪荒。日月盈昃"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    config, weights = published.chatglm23(400)
    place = tmp_path_factory.mktemp("models") / "chatglm3-6b"
    return published.write(place, config, weights, published.sentencepiece_model())


@pytest.fixture
def generator(folder: Path, monkeypatch: pytest.MonkeyPatch) -> TransformersGenerator:
    """In 32 bits, so that sums taken in another order choose the same tokens."""
    monkeypatch.setattr("kb_server.llm.weights.loading.fast_dtype", lambda _: torch.float32)
    made = TransformersGenerator(str(folder), device="cpu")
    made.count_tokens([])
    return made


def passes(generator: TransformersGenerator, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Record the shape of ids [answers, tokens] of each pass of the model."""
    model, shapes = generator._loaded().model, list[tuple[int, int]]()
    forward = model.forward

    def recorded(**values: Any) -> Any:  # noqa: ANN401 - passed on as they are
        shapes.append(tuple(values["input_ids"].shape))
        return forward(**values)

    monkeypatch.setattr(model, "forward", recorded)
    return shapes


def ask(generator: TransformersGenerator, question: str, sampling: Sampling) -> str:
    return "".join(generator.stream([Message("user", question)], sampling))


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_answers_decoded_together_are_those_decoded_alone(
    generator: TransformersGenerator, monkeypatch: pytest.MonkeyPatch, temperature: float
) -> None:
    lengths = [Sampling(max_tokens=n, temperature=temperature, seed=n) for n in (20, 9, 14, 30)]
    decoder = generator._made_ready().decoder
    prompts = [generator._loaded().codec.encode([Message("user", question)]) for question in QUESTIONS]
    asked = [(prompt, how, how.max_tokens) for prompt, how in zip(prompts, lengths, strict=True)]
    alone = [list(decoder.tokens(*one)) for one in asked]
    shapes = passes(generator, monkeypatch)
    streams = [decoder.tokens(*one) for one in asked]
    together: list[list[int]] = [[] for _ in streams]
    open_streams = dict(enumerate(streams))
    while open_streams:
        for number, stream in list(open_streams.items()):
            token = next(stream, None)
            if token is None:
                del open_streams[number]
            else:
                together[number].append(token)
    assert together == alone
    assert max(rows for rows, _ in shapes) == 4
    assert len(shapes) <= 4 + 30


def test_a_closed_answer_takes_part_no_more(generator: TransformersGenerator, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = ask(generator, QUESTIONS[1], Sampling(max_tokens=20))
    first, second = (generator.stream([Message("user", q)], Sampling(max_tokens=20)) for q in QUESTIONS[:2])
    start = next(second)
    next(first)
    shapes = passes(generator, monkeypatch)
    first.close()  # type: ignore[attr-defined]
    assert start + "".join(second) == alone
    assert all(rows == 1 for rows, _ in shapes)


def test_many_threads_get_their_own_answers(generator: TransformersGenerator) -> None:
    alone = [ask(generator, question, Sampling(max_tokens=15)) for question in QUESTIONS]
    got: dict[int, str] = {}

    def run(number: int) -> None:
        got[number] = ask(generator, QUESTIONS[number % 4], Sampling(max_tokens=15))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [got[number] for number in range(12)] == alone * 3


def test_what_a_prompt_begins_with_is_read_once(
    generator: TransformersGenerator, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = Message("system", "世界。" * 20)
    first = "".join(generator.stream([system, Message("user", "你好")], Sampling(max_tokens=8)))
    shapes = passes(generator, monkeypatch)
    fresh = TransformersGenerator(generator._model, device="cpu", prefix_cache=0)
    assert "".join(generator.stream([system, Message("user", "你好")], Sampling(max_tokens=8))) == first
    assert shapes[0] == (1, 1)
    shapes.clear()
    other = "".join(generator.stream([system, Message("user", "几点")], Sampling(max_tokens=8)))
    assert shapes[0][1] < 12
    assert other == "".join(fresh.stream([system, Message("user", "几点")], Sampling(max_tokens=8)))


def test_the_prefix_cache_keeps_to_its_limit() -> None:
    cache = PrefixCache(limit=4 * 10 * 8)
    for start in (0, 100, 200):
        pairs = [(torch.zeros(1, 1, 10, 2), torch.zeros(1, 1, 10, 2))]
        cache.keep(range(start, start + 10), pairs)
    assert cache.longest(range(10))[0] == 0
    assert cache.longest(range(200, 210))[0] == 9
    length, pairs = cache.longest([*range(200, 205), 7])
    assert length == 5
    assert pairs[0][0].shape == (1, 1, 5, 2)


@given(
    st.lists(st.text("ab停止", max_size=4), max_size=12),
    st.lists(st.text("ab停止", min_size=1, max_size=4), max_size=3),
)
def test_an_answer_ends_before_the_first_stop_string(pieces: list[str], stops: list[str]) -> None:
    text = "".join(pieces)
    ends = [text.find(stop) for stop in stops if stop in text]
    assert "".join(until_stop(pieces, stops)) == text[: min(ends, default=len(text))]


def test_text_that_cannot_become_a_stop_string_is_shown_at_once() -> None:
    shown = until_stop(iter(["ab", "<|", "x", "<|end", "|>tail"]), ["<|end|>"])
    assert list(shown) == ["ab", "<|x"]


def test_stop_strings_end_a_real_answer(generator: TransformersGenerator) -> None:
    whole = ask(generator, QUESTIONS[2], Sampling(max_tokens=30))
    stop = whole[6:9]
    assert ask(generator, QUESTIONS[2], Sampling(max_tokens=30, stop=(stop,))) == whole[: whole.find(stop)]


def test_leading_white_space_is_left_out() -> None:
    assert list(without_leading_space(["", "\n ", " a", " b"])) == ["a", " b"]


def test_more_than_the_queue_holds_are_refused_with_a_time() -> None:
    admission = Admission(parallel=1, waiting=1)
    entered, leave = threading.Event(), threading.Event()

    def wait() -> None:
        with admission.turn():
            entered.set()
            leave.wait(10)

    threads = [threading.Thread(target=wait) for _ in range(2)]
    for thread in threads:
        thread.start()
    assert entered.wait(10)
    while admission._inside < 2:
        pass
    with pytest.raises(Overloaded) as refused, admission.turn():
        pass
    assert refused.value.seconds >= 1
    leave.set()
    for thread in threads:
        thread.join()
    with admission.turn():
        assert admission._inside == 1


def test_an_abandoned_answer_gives_its_place_back(folder: Path) -> None:
    generator = TransformersGenerator(str(folder), device="cpu", parallel=1, queue=0)
    first = generator.stream([Message("user", "你好")], Sampling(max_tokens=20))
    next(first)
    with pytest.raises(Overloaded):
        next(generator.stream([Message("user", "你好")], Sampling(max_tokens=20)))
    first.close()  # type: ignore[attr-defined]
    assert ask(generator, "你好", Sampling(max_tokens=3))


def test_top_k_keeps_the_likeliest() -> None:
    logits = torch.tensor([1.0, 3.0, 2.0, 0.0])
    random = torch.Generator().manual_seed(0)
    drawn = {choose(logits, Sampling(temperature=5.0, top_k=2), random) for _ in range(200)}
    assert drawn == {1, 2}


def test_the_repetition_penalty_lowers_what_was_seen() -> None:
    logits = torch.tensor([2.0, 1.9, -1.0])
    random = torch.Generator()
    assert choose(logits, Sampling(), random, [0]) == 0
    assert choose(logits, Sampling(repetition_penalty=1.5), random, [0]) == 1
    assert choose(torch.tensor([-1.0, -1.2]), Sampling(repetition_penalty=1.5), random, [0]) == 1

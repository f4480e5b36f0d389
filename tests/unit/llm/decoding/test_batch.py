"""Answers decoded together, prefixes read once, what stops an answer, and errors that stay with their own answer."""

import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb_server.core.answers import Message, Sampling
from kb_server.core.errors import GenerationFailed, InvalidLogits, KbError
from kb_server.llm.decoding.codec import Codec
from kb_server.llm.decoding.text import until_stop, without_leading_space
from tests.models import published

torch = pytest.importorskip("torch", reason="needs the extra `generate`")

from kb_server.llm.decoding.batch import Decoder  # noqa: E402
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
    decoder: Any = generator._made_ready().decoder  # either kind; here the one of batches
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


def test_beyond_those_at_once_an_answer_waits_its_turn(folder: Path) -> None:
    generator = TransformersGenerator(str(folder), device="cpu", parallel=1)
    first = generator.stream([Message("user", "你好")], Sampling(max_tokens=20))
    next(first)
    got: list[str] = []
    second = threading.Thread(target=lambda: got.append(ask(generator, "你好", Sampling(max_tokens=3))))
    second.start()
    second.join(0.2)
    assert not got
    first.close()  # type: ignore[attr-defined]
    second.join(30)
    assert got == [ask(generator, "你好", Sampling(max_tokens=3))]


class Fault(Exception):
    """What a test makes go wrong."""


class Mixer:
    """A TokenMixer that leaves the logits alone, but may fail at its third token."""

    def __init__(self, fails: str = "") -> None:
        self._fails = fails
        self._tokens = 0

    def mix(self, logits: Any, _: Any) -> Any:  # noqa: ANN401 - arrays
        self._tokens += 1
        if self._tokens == 3 and self._fails == "mixing":
            raise Fault
        return np.full(len(logits), np.nan) if self._tokens == 3 and self._fails == "mixed to NaN" else None

    def chosen(self, _: int) -> None:
        if self._tokens == 3 and self._fails == "observing":
            raise Fault


Read = list[tuple[list[Any], type[Exception] | None]]
HOW = [
    Sampling(max_tokens=n, temperature=temperature, seed=n)
    for n, temperature in ((12, 0.0), (9, 1.0), (14, 1.0), (11, 0.0))
]


def read_in_turn(streams: Sequence[Iterator[Any]], on_turn: Callable[[int], object] = lambda _: None) -> Read:
    """Take one of each in turn until all have ended; return what each gave, and the kind of error it ended in."""
    got: Read = [([], None) for _ in streams]
    going = dict(enumerate(streams))
    while going:
        for number, stream in list(going.items()):
            on_turn(number)
            try:
                got[number][0].append(next(stream))
            except StopIteration:
                del going[number]
            except (Fault, KbError, MemoryError) as error:
                got[number] = (got[number][0], type(error))
                del going[number]
    return got


def started(generator: TransformersGenerator, mixers: Sequence[Mixer | None] = (None,) * 4) -> list[Iterator[int]]:
    decoder: Any = generator._made_ready().decoder  # either kind; here the one of batches
    prompts = [generator._loaded().codec.encode([Message("user", question)]) for question in QUESTIONS]
    return [
        decoder.tokens(prompt, how, how.max_tokens, mixer)
        for prompt, how, mixer in zip(prompts, HOW, mixers, strict=True)
    ]


def spoil_choice(monkeypatch: pytest.MonkeyPatch, sampling: Sampling) -> None:
    """Let choosing fail at the third token of the answer that is sampled in this way."""
    tokens = itertools.count(1)

    def choosing(logits: Any, how: Sampling, *rest: Any) -> int:  # noqa: ANN401 - passed on
        if how is sampling and next(tokens) == 3:
            raise Fault
        return choose(logits, how, *rest)

    monkeypatch.setattr("kb_server.llm.decoding.batch.choose", choosing)


def spoil_logits(generator: TransformersGenerator, monkeypatch: pytest.MonkeyPatch, row: int) -> None:
    """Let the model give a NaN for one of four answers at their third token: the second pass for all of them."""
    model, passes = generator._loaded().model, itertools.count(1)
    forward = model.forward

    def spoiled(**values: Any) -> Any:  # noqa: ANN401 - passed on
        output = forward(**values)
        if len(values["input_ids"]) == 4 and next(passes) == 2:
            output.logits[row, -1, 7] = float("nan")
        return output

    monkeypatch.setattr(model, "forward", spoiled)


@pytest.mark.parametrize("position", range(4))
@pytest.mark.parametrize("place", ["mixing", "mixed to NaN", "observing", "sampling", "NaN logits"])
def test_an_error_of_one_answer_is_its_readers_alone(
    generator: TransformersGenerator, monkeypatch: pytest.MonkeyPatch, place: str, position: int
) -> None:
    alone = [list(stream) for stream in started(generator)]
    if place == "sampling":
        spoil_choice(monkeypatch, HOW[position])
    if place == "NaN logits":
        spoil_logits(generator, monkeypatch, position)
    shapes = passes(generator, monkeypatch)
    got = read_in_turn(started(generator, [Mixer(place if number == position else "") for number in range(4)]))
    error = InvalidLogits if "NaN" in place else Fault
    expected: Read = [(tokens, None) for tokens in alone]
    expected[position] = (alone[position][:2], error)
    assert got == expected
    assert max(rows for rows, _ in shapes) == 4, "they were decoded together"


@pytest.mark.parametrize("position", range(4))
def test_a_text_that_cannot_be_decoded_is_its_readers_alone(
    generator: TransformersGenerator, monkeypatch: pytest.MonkeyPatch, position: int
) -> None:
    alone = [list(generator.stream([Message("user", q)], how)) for q, how in zip(QUESTIONS, HOW, strict=True)]
    codec, turn = type(generator._loaded().codec), [0, 0]
    decode = codec.decode

    def decoding(self: Codec, ids: Sequence[int]) -> str:
        turn[1] += turn[0] == position
        if turn[0] == position and turn[1] == 4:
            raise Fault
        return decode(self, ids)

    monkeypatch.setattr(codec, "decode", decoding)
    streams = [generator.stream([Message("user", q)], how) for q, how in zip(QUESTIONS, HOW, strict=True)]
    got = read_in_turn(streams, lambda number: turn.__setitem__(0, number))
    assert got[position][1] is Fault
    assert got[:position] + got[position + 1 :] == [(text, None) for n, text in enumerate(alone) if n != position]


@pytest.mark.parametrize("position", range(4))
def test_closing_one_answer_leaves_the_others_as_they_are(generator: TransformersGenerator, position: int) -> None:
    alone = [list(stream) for stream in started(generator)]
    streams = started(generator)
    firsts = [[next(stream), next(stream)] for stream in streams]
    streams[position].close()  # type: ignore[attr-defined]
    rest = read_in_turn(streams)
    assert [(first + tokens, error) for first, (tokens, error) in zip(firsts, rest, strict=True)] == [
        (firsts[n] if n == position else alone[n], None) for n in range(4)
    ]


def test_an_error_that_follows_a_closing_is_not_the_closers(
    generator: TransformersGenerator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others' keys and values are taken apart when they next compute: what fails there is theirs."""
    streams = started(generator)
    for stream in streams * 2:
        next(stream)
    decoder = generator._made_ready().decoder
    assert isinstance(decoder, Decoder)
    monkeypatch.setattr("kb_server.llm.decoding.batch.cache_of", failing)
    streams[1].close()  # type: ignore[attr-defined]
    assert {error for n, (_, error) in enumerate(read_in_turn(streams)) if n != 1} == {MemoryError}
    monkeypatch.undo()
    monkeypatch.setattr("kb_server.llm.weights.loading.fast_dtype", lambda _: torch.float32)
    assert (decoder._rows, decoder._batch, decoder._cache) == ([], [], None)
    assert [list(stream) for stream in started(generator)] == [list(stream) for stream in started(generator)]


def failing(_: object) -> None:
    raise MemoryError


def test_a_pass_that_fails_ends_the_answers_that_took_part(
    generator: TransformersGenerator, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = [list(stream) for stream in started(generator)]
    streams = started(generator)
    firsts = [[next(stream), next(stream)] for stream in streams[:3]]
    forward = generator._loaded().model.forward
    monkeypatch.setattr(generator._loaded().model, "forward", no_memory)
    rest = read_in_turn(streams[:3])
    monkeypatch.setattr(generator._loaded().model, "forward", forward)
    assert [error for _, error in rest] == [GenerationFailed] * 3
    for number, (ready, _) in enumerate(rest):
        assert firsts[number] + ready == alone[number][: 2 + len(ready)], "what was computed before is given"
    assert list(streams[3]) == alone[3], "one that had not begun is not touched"


def test_a_prompt_that_fails_ends_no_other_answer(
    generator: TransformersGenerator, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = [list(stream) for stream in started(generator)]
    streams = started(generator)
    firsts = [[next(stream), next(stream)] for stream in streams[:3]]
    with monkeypatch.context() as patch:
        patch.setattr(generator._loaded().model, "forward", no_memory)
        with pytest.raises(GenerationFailed, match="not enough memory for 1 answers"):
            next(streams[3])
    rest = read_in_turn(streams[:3])
    assert [(first + ids, error) for first, (ids, error) in zip(firsts, rest, strict=True)] == [
        (ids, None) for ids in alone[:3]
    ]


def no_memory(**_: object) -> None:
    raise torch.OutOfMemoryError

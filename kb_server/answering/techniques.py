"""Several answers to one question, and the one that most of them give (Wang et al. 2023, Self-Consistency)."""

import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from kb_server.core.answers import Message, Sampling
from kb_server.core.ports import Generator
from kb_server.text.terms import terms

OPEN, CLOSE = "<think>", "</think>"


class ReasoningSplit:
    """Takes a model's pieces of text; yields those of the answer and keeps the reasoning in `reasoning`.

    Only an answer that starts with the mark has reasoning. `open` says that it never ended.
    """

    def __init__(self) -> None:
        self.reasoning = ""
        self.open = False

    def answer(self, pieces: Iterable[str]) -> Iterator[str]:
        """Yield the answer's pieces as they come; what may be a mark is held back until it is known."""
        pieces, held = iter(pieces), ""
        for piece in pieces:
            held += piece
            if begun := self._begun(held):
                yield begun
                yield from pieces
                return
        if held and not held.lstrip().startswith(OPEN):
            yield held

    def _begun(self, held: str) -> str:
        """Return the beginning of the answer, "" until one is known; keep the reasoning before it."""
        start = held.lstrip()
        if not start.startswith(OPEN):
            return "" if OPEN.startswith(start) else held
        before, mark, after = start.partition(CLOSE)
        self.reasoning = before.removeprefix(OPEN).strip()
        self.open = not mark
        return after.lstrip()


_AT_ONCE = 4

_WARMTH = 0.7  # the temperature where none is set: greedy samples would all be the same

_MARK = re.compile(r"\[\d+\]")


def sample(generator: Generator, messages: Sequence[Message], sampling: Sampling, count: int) -> list[str]:
    """Return `count` answers with seeds counted up from the one given; engines that can decode them together."""
    stopped = threading.Event()

    def one(number: int) -> str:
        warm = sampling.temperature or _WARMTH
        how = replace(sampling, temperature=warm, seed=sampling.seed + number)
        return "".join(_unless(stopped, generator.stream(messages, how)))

    with ThreadPoolExecutor(_AT_ONCE) as threads:
        try:
            return list(threads.map(one, range(count)))
        finally:
            stopped.set()


def majority(answers: Sequence[str]) -> tuple[int, float]:
    """Return the place of the answer that most others equal in their terms, and the share that does.

    Citation marks, case and order of words do not count. Of several such answers, the one that has most terms in
    common with all answers wins, then the first.
    """
    words = [frozenset(terms(_MARK.sub("", answer))) for answer in answers]
    votes = [words.count(own) for own in words]
    shared = [sum(_overlap(own, other) for other in words) for own in words]
    best = max(range(len(answers)), key=lambda i: (votes[i], shared[i], -i))
    return best, votes[best] / len(answers)


def _overlap(first: frozenset[str], second: frozenset[str]) -> float:
    return len(first & second) / (len(first | second) or 1)


def _unless(stopped: threading.Event, pieces: Iterable[str]) -> Iterator[str]:
    for piece in pieces:
        if stopped.is_set():
            return
        yield piece

"""Questions with known answers made from a base's own text, so that anyone can measure how good their base is.

A pure function of the chunks and a seed: no model, no files. A question is kept only if it points at one place: no
other chunk may hold all its terms, and two of them must be rare in the base.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest

from kb_server.domain import Chunk, EvalCase
from kb_server.services.cloze import Candidate, candidates
from kb_server.services.unanswerable import Inventor
from kb_server.terms import is_cjk, script, terms

_RARE_SHARE = 0.02
_ASKING = frozenset(terms("what which who when how many year date number is the of or 什么 多少 哪一年 哪一天 是什么"))
_KEY_LENGTHS = (6, 5, 4, 3)
_CHUNKS_A_QUESTION = 10  # looked through at most, so that a large base takes no longer than it must


@dataclass(frozen=True, slots=True)
class MadeQuestion:
    """A case, and the chunk it was made from; None if it is about something invented."""

    case: EvalCase
    chunk: Chunk | None


def make_questions(chunks: Sequence[Chunk], answerable: int, unanswerable: int, seed: int = 0) -> list[MadeQuestion]:
    """Return up to so many questions of each sort, fewer if the text does not give more.

    The same chunks, counts and seed give the same questions. Kinds and chunks take turns, so that no long document
    and no kind drowns the others.
    """
    text = _Text(chunks)
    chosen = list(_choose(text, chunks, answerable + unanswerable, seed))
    kept, spare = chosen[:answerable], chosen[answerable:]
    made = [_answerable(number, pair, text) for number, pair in enumerate(kept, 1)]
    return made + list(_unanswerable([*spare, *kept], unanswerable, text, seed))


class _Text:
    """What a base says: its chunks by term, and how rare each is."""

    def __init__(self, chunks: Sequence[Chunk]) -> None:
        self._chunks = chunks
        self._folded = [chunk.searchable.casefold() for chunk in chunks]
        self._holders: dict[str, set[int]] = defaultdict(set)
        for place, chunk in enumerate(chunks):
            for term in set(terms(chunk.searchable)):
                self._holders[term].add(place)
        self._rare = max(2, int(_RARE_SHARE * len(chunks)))

    def holds(self, text: str) -> bool:
        """Tell whether any chunk has this text, whatever its case."""
        return any(text.casefold() in folded for folded in self._folded)

    def documents_with(self, sentence: str) -> tuple[str, ...]:
        """Return the documents that have a sentence, by name."""
        return tuple(sorted({chunk.document for chunk in self._chunks if sentence in chunk.text}))

    def is_clear(self, candidate: Candidate) -> bool:
        """Tell whether a question points at one place and does not give its answer away."""
        wanted = set(terms(candidate.question)) - _ASKING
        if not wanted or candidate.answer.casefold() in candidate.question.casefold():
            return False
        holders = [self._holders[term] for term in wanted if term in self._holders]
        rare = sum(len(places) <= self._rare for places in holders)
        everywhere = set.intersection(*holders) if holders else set()
        elsewhere = [place for place in everywhere if candidate.sentence not in self._chunks[place].text]
        return rare >= min(2, len(wanted)) and not elsewhere

    def key_term(self, question: str) -> str | None:
        """Return the longest run of Chinese characters in a question that its base uses more than once."""
        for length in _KEY_LENGTHS:
            runs = [question[i : i + length] for i in range(len(question) - length)]
            counted = Counter({run: self._count(run) for run in runs if all(map(is_cjk, run))})
            if counted and counted.most_common(1)[0][1] > 1:
                return counted.most_common(1)[0][0]
        return None

    def _count(self, run: str) -> int:
        places = [self._holders.get(term, set()) for term in terms(run)]
        return sum(run in self._folded[place] for place in set.intersection(*places)) if places else 0


def _choose(text: _Text, chunks: Sequence[Chunk], count: int, seed: int) -> Iterator[tuple[Candidate, Chunk]]:
    """Yield clear questions: from each chunk in turn one, of the kind that was asked for least."""
    enough = min(len(chunks), _CHUNKS_A_QUESTION * count)
    shuffled = random.Random(seed).sample(list(chunks), enough)  # noqa: S311 - sampling, not secrecy
    asked: Counter[str] = Counter()
    said: set[str] = set()
    rounds = zip_longest(*(_of_chunk(chunk, asked) for chunk in shuffled))
    for candidate, chunk in filter(None, chain.from_iterable(rounds)):
        if asked.total() >= count:
            return
        if candidate.sentence in said or not text.is_clear(candidate):
            continue
        said.add(candidate.sentence)
        asked[candidate.kind] += 1
        yield candidate, chunk


def _of_chunk(chunk: Chunk, asked: Counter[str]) -> Iterator[tuple[Candidate, Chunk]]:
    left = list(candidates(chunk))
    while left:
        rarest = min(left, key=lambda candidate: asked[candidate.kind])
        left.remove(rarest)
        yield rarest, chunk


def _answerable(number: int, pair: tuple[Candidate, Chunk], text: _Text) -> MadeQuestion:
    candidate, chunk = pair
    documents = text.documents_with(candidate.sentence)
    answers = (candidate.answer,)
    return MadeQuestion(EvalCase(f"q-{number:04d}", candidate.question, answers, documents, kind=candidate.kind), chunk)


def _unanswerable(
    pairs: Sequence[tuple[Candidate, Chunk]], count: int, text: _Text, seed: int
) -> Iterator[MadeQuestion]:
    """Yield questions about inventions: every second one a swapped question of the base's own, if there are enough."""
    inventor = Inventor(text.holds, text.key_term, seed)
    said: set[str] = set()
    tries = [pair for pair in pairs for _ in range(2)]
    for place, (candidate, _) in enumerate(tries):
        if len(said) >= count:
            return
        kind = script(candidate.question)
        question = inventor.swap(candidate.question) if place % 2 == 0 else inventor.invent(kind)
        if question and question not in said:
            said.add(question)
            label = "swapped" if place % 2 == 0 else "invented"
            yield MadeQuestion(EvalCase(f"none-{len(said):04d}", question, answerable=False, kind=label), None)

"""Questions with known answers made from a base's own text, so that anyone can measure how good their base is.

A pure function of the chunks and a seed: no model, no files. A question is kept only if it points at one place: no
other chunk may hold all its terms, and two of them must be rare in the base.
"""

import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest

from kb_server.calibration.cloze import Candidate, candidates
from kb_server.core.domain import Chunk, EvalCase
from kb_server.text.terms import is_cjk, script, terms

_NAMES = (
    *("Velmora", "Quintrel", "Osterhavn", "Dranvik", "Lumasco", "Perrigold", "Tarnwick", "Belquist", "Zorvath"),
    *("Hallambre", "Ketterling", "Mirovane", "Sundhollow", "Vexley", "Arbondel", "Castrevin", "Orrinfeld", "Wyndcroft"),
)

_CHINESE_NAMES = (
    *("岚泽", "衡枢", "霁川", "璟澜", "沐璃", "陌桐", "凛舟", "阙云", "槿溪", "珩岳", "朔屿", "汀岚", "晏禾", "翎洲"),
    *("崤岭", "澹台轩", "濯缨", "郦泉"),
)

_SUBJECT = re.compile(
    r"《[^》]+》|“[^”]+”|「[^」]+」"  # titles and quoted words
    r"|\b[A-Z]+-?\d[\w-]*|\b[\w.-]*[a-z][A-Z][\w-]*"  # codes and product names
    r"|(?<=[\u3400-\u9fff])[A-Za-z][\w-]+|(?<=[a-z,] )[A-Z][a-z]+(?: [A-Z][a-z]+)*"  # names within a sentence
)

_ASKED = {
    "cjk": ("{name}的负责人是谁？", "{name}是哪一年建立的？", "{name}位于什么地方？", "{name}的价格是多少？"),
    "other": (
        *("Who is in charge of {name}?", "When was {name} founded?", "Where is {name} located?"),
        *("How much does {name} cost?", "How many people work at {name}?", "What is {name} made of?"),
    ),
}


class Inventor:
    """Makes questions unanswerable; `holds` tells whether the base holds a text. Reproducible by its seed."""

    def __init__(self, holds: Callable[[str], bool], key_term: Callable[[str], str | None], seed: int) -> None:
        self._free = {
            kind: [name for name in names if not holds(name)]
            for kind, names in (("cjk", _CHINESE_NAMES), ("other", _NAMES))
        }
        self._key_term = key_term
        self._random = random.Random(seed)  # noqa: S311 - sampling, not secrecy

    def swap(self, question: str) -> str | None:
        """Return the question about something invented; None if it names nothing that could be swapped."""
        named = _SUBJECT.findall(question)
        subject = named[-1] if named else self._key_term(question)
        name = self._name(script(question))
        if not subject or not name:
            return None
        if subject[0] in "《“「":
            name = f"{subject[0]}{name}{subject[-1]}"
        return question.replace(subject, name)

    def invent(self, kind: str) -> str | None:
        """Return a question in a script (`cjk` or `other`) about something that does not exist."""
        name = self._name(kind)
        return self._random.choice(_ASKED[kind]).format(name=name) if name else None

    def _name(self, kind: str) -> str | None:
        return self._random.choice(self._free[kind]) if self._free[kind] else None


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
        return rare >= min(2, len(wanted)) and self._all_have(candidate.sentence, holders)

    def _all_have(self, sentence: str, holders: Sequence[set[int]]) -> bool:
        """Tell whether each chunk in all of these sets has a sentence."""
        common = set.intersection(*holders) if holders else set()
        return all(sentence in self._chunks[place].text for place in common)

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
    return MadeQuestion(
        EvalCase(
            id=f"q-{number:04d}", question=candidate.question, answers=answers, documents=documents, kind=candidate.kind
        ),
        chunk,
    )


def _unanswerable(
    pairs: Sequence[tuple[Candidate, Chunk]], count: int, text: _Text, seed: int
) -> Iterator[MadeQuestion]:
    """Yield questions about inventions: every second one a swapped question of the base's own, if there are enough."""
    inventor = Inventor(text.holds, text.key_term, seed)
    said: set[str] = set()
    for question, kind in chain.from_iterable(_inventions(inventor, candidate.question) for candidate, _ in pairs):
        if len(said) >= count:
            return
        if question and question not in said:
            said.add(question)
            yield MadeQuestion(
                EvalCase(id=f"none-{len(said):04d}", question=question, answerable=False, kind=kind), None
            )


def _inventions(inventor: Inventor, question: str) -> Iterator[tuple[str | None, str]]:
    yield inventor.swap(question), "swapped"
    yield inventor.invent(script(question)), "invented"

"""Outcomes for tests."""

from collections.abc import Mapping, Sequence

from kb_server.core.answers import Citation
from kb_server.core.domain import EvalCase
from kb_server.evaluation.outcomes import Outcome, Passage


def case(id_: str = "1", *documents: str, answers: Sequence[str] = (), answerable: bool = True) -> EvalCase:
    return EvalCase(
        id=id_, question=f"Question {id_}?", answers=tuple(answers), documents=documents, answerable=answerable
    )


def passages(*documents: str, text: str = "") -> tuple[Passage, ...]:
    return tuple(Passage(i, name, None, 1 - i / 10, text or name) for i, name in enumerate(documents))


def outcome(
    of: EvalCase,
    found: tuple[Passage, ...] = (),
    answer: str = "",
    citations: Sequence[Citation] = (),
    confidence: float = 0.5,
    timings: Mapping[str, float] | None = None,
    judged: tuple[bool | None, ...] = (),
    *,
    refused: bool = False,
) -> Outcome:
    times = {"retrieve": 1.0, "total": 2.0} if timings is None else timings
    return Outcome(of, answer, refused, confidence, tuple(citations), found, None, times, judged=judged)


def citation(number: int, chunk_id: int, quote: str, *, supported: bool = True) -> Citation:
    return Citation(
        number=number,
        chunk_id=chunk_id,
        document="a.txt",
        page=None,
        start=0,
        end=len(quote),
        quote=quote,
        supported=supported,
    )

"""What came of one case, as a line of results.jsonl keeps it."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from kb_server.core.answers import Answer, Citation
from kb_server.core.domain import Chunk, EvalCase
from kb_server.evaluation.case_files import case_from, case_json

_TEXTS_KEPT = 5  # passages whose text is kept for the report; of the others only the name and score


@dataclass(frozen=True, slots=True)
class Passage:
    """A retrieved chunk; `text` is None for those far down that no citation names."""

    chunk_id: int
    document: str
    page: int | None
    score: float
    text: str | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """An answered case. `confidence` is 0..1; `judged` has a judge's verdict for each statement, None if it gave none.

    `metrics` are filled in when the run is scored; a metric that does not apply to the case is not there.
    """

    case: EvalCase
    answer: str
    refused: bool
    confidence: float
    citations: tuple[Citation, ...]
    passages: tuple[Passage, ...]
    model: str | None
    timings_ms: Mapping[str, float]
    tokens: Mapping[str, int] = field(default_factory=dict)
    judged: tuple[bool | None, ...] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)

    @property
    def documents(self) -> list[str]:
        """The documents of the passages, best first, once each."""
        return list(dict.fromkeys(passage.document for passage in self.passages))

    def passage(self, chunk_id: int) -> Passage | None:
        """Return the passage a citation names."""
        return next((passage for passage in self.passages if passage.chunk_id == chunk_id), None)


def outcome_of(case: EvalCase, answer: Answer, tokens: Mapping[str, int]) -> Outcome:
    """Take from an answer what is evaluated; an answer's confidence is its best hit's score unless it has its own."""
    cited = {citation.chunk_id for citation in answer.citations}
    passages = tuple(
        Passage(
            hit.chunk.id,
            _document(hit.chunk, case),
            hit.chunk.page,
            round(hit.score, 6),
            hit.chunk.searchable if rank < _TEXTS_KEPT or hit.chunk.id in cited else None,
        )
        for rank, hit in enumerate(answer.hits)
    )
    best = max((hit.score for hit in answer.hits), default=0.0)
    confidence = best if answer.confidence is None else answer.confidence
    timings = dict(answer.timings_ms)
    return Outcome(
        case, answer.text, answer.refused, confidence, answer.citations, passages, answer.model, timings, dict(tokens)
    )


def _document(chunk: Chunk, case: EvalCase) -> str:
    """Return where a passage is from: of several places of the same words the one that the case names."""
    names = [chunk.document, *(place.document for place in chunk.also)]
    return next((name for name in names if name in case.documents), chunk.document)


def outcome_json(outcome: Outcome) -> dict[str, Any]:
    """Return the line of results.jsonl."""
    rest = {name: value for name, value in _fields(outcome) if name != "case"}
    return {**case_json(outcome.case), **rest}


def outcome_from(values: Mapping[str, Any]) -> Outcome:
    """Read a line of results.jsonl; raises ValueError, KeyError or TypeError for anything else."""
    own = {name: values[name] for name in Outcome.__dataclass_fields__ if name != "case"}
    own["citations"] = tuple(Citation(**item) for item in own["citations"])
    own["passages"] = tuple(Passage(**item) for item in own["passages"])
    own["judged"] = tuple(own["judged"])
    return Outcome(case_from(values), **own)


def _fields(outcome: Outcome) -> Iterator[tuple[str, Any]]:
    yield from asdict(outcome).items()

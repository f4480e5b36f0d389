"""An answer taken apart into what it states and which passages it cites for that."""

import re
from dataclasses import dataclass

from kb_server.evaluation.outcomes import Outcome
from kb_server.text.sentences import sentences


@dataclass(frozen=True, slots=True)
class Statement:
    """What stands before a mark `[n]`, or a sentence without one; `supported` is what the answer's own check found.

    `sources` are the texts of the cited passages, `supported` is False if there are none.
    """

    text: str
    sources: tuple[str, ...]
    supported: bool


def statements(outcome: Outcome) -> list[Statement]:
    """Return what an answer states, in order; a refusal states nothing.

    Only a number that is a citation's is a mark; other numbers in brackets belong to the text.
    """
    if outcome.refused:
        return []
    found: list[Statement] = []
    begin = 0
    for marks in _marks(outcome).finditer(outcome.answer):
        numbers = {int(number) for number in re.findall(r"\d+", marks.group())}
        text = outcome.answer[begin : marks.start()].strip()
        begin = marks.end()
        found.append(_cited(text, outcome, numbers))
    found += [Statement(text, (), supported=False) for text in sentences(outcome.answer[begin:])]
    return [statement for statement in found if any(map(str.isalnum, statement.text))]


def unmarked(outcome: Outcome) -> str:
    """Return the answer's text without the marks of its citations."""
    return _marks(outcome).sub("", outcome.answer).strip()


def _marks(outcome: Outcome) -> re.Pattern[str]:
    numbers = "|".join(str(citation.number) for citation in outcome.citations) or "(?!)"
    return re.compile(rf"(?:\s*\[(?:{numbers})\])+")


def _cited(text: str, outcome: Outcome, numbers: set[int]) -> Statement:
    cited = [citation for citation in outcome.citations if citation.number in numbers]
    passages = [outcome.passage(citation.chunk_id) for citation in cited]
    sources = tuple(passage.text for passage in passages if passage is not None and passage.text is not None)
    return Statement(text, sources, any(citation.supported for citation in cited))

"""Backing an answer: a quote for each sentence, and a check that what it states is there.

What counts as backed is decided by `kb_server.answering.citations.support`.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from kb_server.answering.citations.support import is_supported, normalised, overlap
from kb_server.answering.extract import Sentence, whole_sentences
from kb_server.core.answers import Citation
from kb_server.core.domain import Hit
from kb_server.text.sentences import sentence_spans

_MARK = re.compile(r"\s*[\[【](\d+)[\]】]")
_MARKS_BEHIND_STOP = re.compile(r"([.!?。！？]+)((?:\s*[\[【]\d+[\]】])+)")


@dataclass(frozen=True, slots=True)
class Cited:
    """An answer's text with its `[n]` marks, and the citations they mean."""

    text: str
    citations: tuple[Citation, ...]


def cite_sentences(sentences: Sequence[Sentence]) -> Cited:
    """Join sentences taken word for word, each followed by its mark."""
    citations = [_quote(number, sentence) for number, sentence in enumerate(sentences, 1)]
    return Cited(" ".join(marked(item.quote, item.number) for item in citations), tuple(citations))


def cite_written(answer: str, hits: Sequence[Hit]) -> Cited:
    """Find for each sentence a model wrote the passage that says it best, and check it against that passage.

    A mark `[n]` of the model's own names the n-th hit and is taken at its word where there is such a hit; the marks of
    the result are numbered afresh, one a citation. A sentence said again, as small models do, is kept once.
    """
    parts: list[str] = []
    citations: list[Citation] = []
    said: set[str] = set()
    for written, marks in _marked_sentences(answer):
        if normalised(written) in said:
            continue
        said.add(normalised(written))
        quote = _best_quote(written, marks, hits)
        chunk = quote.hit.chunk
        citation = _quote(len(citations) + 1, quote, is_supported(written, chunk.text, chunk.heading_path))
        citations.append(citation)
        parts.append(marked(written, citation.number))
    return Cited(" ".join(parts), tuple(citations))


def _best_quote(written: str, marks: Sequence[int], hits: Sequence[Hit]) -> Sentence:
    """Return the sentence that says best what was written, out of the hits that its marks name, if any."""
    named = [hits[mark - 1] for mark in marks if 1 <= mark <= len(hits)]
    quotable = [sentence for hit in named or hits for sentence in whole_sentences(hit)]
    return max(quotable, key=lambda sentence: overlap(written, sentence.text))


def marked(sentence: str, number: int) -> str:
    """Put a citation's mark behind a sentence: at its full stop, or after a space if it has none."""
    return f"{sentence}[{number}]" if unicodedata.category(sentence[-1]).startswith("P") else f"{sentence} [{number}]"


def _marked_sentences(answer: str) -> list[tuple[str, list[int]]]:
    """Return each sentence without its marks, and the marks; one that stands behind the full stop is the sentence's."""
    tidy = _MARKS_BEHIND_STOP.sub(r"\2\1", answer)
    pieces = [tidy[start:end] for start, end in sentence_spans(tidy)]
    found = [(_MARK.sub("", piece).strip(), [int(number) for number in _MARK.findall(piece)]) for piece in pieces]
    return [(words, marks) for words, marks in found if words]


def _quote(number: int, sentence: Sentence, supported: bool = True) -> Citation:
    chunk = sentence.hit.chunk
    start, end = chunk.start + sentence.start, chunk.start + sentence.end
    if chunk.edited:
        start, end = chunk.start, chunk.end
    return Citation(
        number=number,
        chunk_id=chunk.id,
        document=chunk.document,
        document_id=chunk.document_id,
        page=chunk.page,
        start=start,
        end=end,
        quote=sentence.text,
        supported=supported,
        edited=chunk.edited,
        base=sentence.hit.base,
    )

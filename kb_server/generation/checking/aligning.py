"""Which sentences of a passage a sentence was made from."""

from kb_server.sentences import sentence_spans
from kb_server.terms import terms

_MOST = 3
_WORTH = 3  # new terms that a further sentence has to bring: more than a number or a name taken from elsewhere
STOP = frozenset(
    "a an the of in on at to by for from with and or but as is are was were be been being it its this that these "
    "those he she they his her their which who there has have had do does did will would can could may might must "
    "shall".split()
)


def content_terms(text: str) -> set[str]:
    """Return the different terms of a text that are not only grammar."""
    return set(terms(text)) - STOP


def origin(sentence: str, passage: str) -> list[tuple[int, int]]:
    """Return the (start, end) of the passage's sentences that a sentence is closest to, in order; at most three.

    The first is the one that shares most terms; a further one must bring at least three terms the others do not have.
    """
    wanted = content_terms(sentence)
    spans = [(start, end, content_terms(passage[start:end])) for start, end in sentence_spans(passage)]
    chosen: list[tuple[int, int]] = []
    covered: set[str] = set()
    while spans and len(chosen) < _MOST:
        best = max(spans, key=lambda span: (len((span[2] & wanted) - covered), -len(span[2])))
        new = (best[2] & wanted) - covered
        if not new or (chosen and len(new) < _WORTH):
            break
        chosen.append(best[:2])
        covered |= new
        spans.remove(best)
    return sorted(chosen)

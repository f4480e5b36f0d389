"""Whether a passage supports a sentence.

The check is deterministic and strict about what models get wrong most: numbers with their units, dates, names and
negations must stand in the sentences of the passage that the sentence was made from, not just anywhere in it; and most
of its other words in the passage. See docs/decisions/citation-checks.md for what it catches and what it flags wrongly.
"""

import re
import unicodedata
from collections.abc import Sequence

from kb_server.generation.checking.aligning import content_terms, origin
from kb_server.generation.checking.names import names
from kb_server.generation.checking.negations import denies_alike
from kb_server.generation.checking.numerals import in_digits
from kb_server.generation.checking.quantities import missing_quantities, quantities
from kb_server.generation.checking.slots import exchanged, tokens
from kb_server.terms import is_cjk, terms

_WORDS_NEEDED = 0.5
_LONGEST_CHINESE_WORD = 4
_POINTS_BACK = re.compile(
    r"\b(?:it|its|they|their|he|his|she|her|this|these|that|who)\b|[它他她其该此这]", re.IGNORECASE
)


def is_supported(sentence: str, text: str, headings: Sequence[str] = ()) -> bool:
    """Tell whether a passage and the headings it stands under say what a sentence states; a quote of it always is."""
    if normalised(sentence) in normalised(text):
        return True
    said, passage, titles = (in_digits(_flat(part)) for part in (sentence, text, " ".join(headings)))
    if overlap(said, f"{titles} {passage}") < _WORDS_NEEDED:
        return False
    origins = origin(said, passage)
    source = " ".join(passage[start:end] for start, end in origins)
    before = passage[: origins[0][0]] if origins and _POINTS_BACK.search(source) else ""
    return (
        _has_quantities(said, f"{source} {titles}")
        and _has_names(said, f"{before} {source} {titles}")
        and denies_alike(said.casefold(), source.casefold())
        and not _exchanges(said, source)
    )


def normalised(text: str) -> str:
    """Return a text in which width, case and runs of white space do not differ, to compare quotes by."""
    return _flat(text).casefold()


def overlap(sentence: str, source: str) -> float:
    """Return the share of the sentence's different content terms that the source has."""
    wanted = content_terms(sentence) or set(terms(sentence))
    return len(wanted & set(terms(source))) / len(wanted) if wanted else 0.0


def _flat(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).split())


def _has_quantities(said: str, source: str) -> bool:
    return not missing_quantities(quantities(said.casefold()), quantities(source.casefold()))


def _has_names(said: str, source: str) -> bool:
    there = set(tokens(source.casefold()))
    stems = set(terms(source))
    parts = [part for name in names(said) for part in tokens(name)]
    return all(part in there or set(terms(part)) <= stems for part in parts)


def _exchanges(said: str, source: str) -> bool:
    """Tell whether a name, a figure or a Chinese word was exchanged in a sentence that is otherwise the source's."""
    capitals = {part for text in (said, source) for name in names(text) for part in tokens(name)}
    ours, theirs = tokens(said.casefold()), tokens(source.casefold())
    for new, old in exchanged(ours, theirs):
        moved = set(new) <= set(theirs) and set(old) <= set(ours)
        if not moved and all(_states(side, capitals) for side in (new, old)):
            return True
    return False


def _states(side: list[str], capitals: set[str]) -> bool:
    """Tell whether tokens hold a figure or a name, or are a Chinese word."""
    is_chinese_word = 2 <= len(side) <= _LONGEST_CHINESE_WORD and all(is_cjk(token) for token in side)
    return is_chinese_word or any(token in capitals or token[0].isdigit() for token in side)

"""Names in a sentence: words written with a capital where the language does not ask for one."""

import re

_WORD = re.compile(r"(?<!\w)[^\W\d_][\w'’-]*")
_SENTENCE_START = re.compile(r"(?:^|[.!?:;]\s+|[\"“‘(\[]\s*)$")
_STARTERS = frozenset(
    "a according after all also although an and another as at because before both but by currently despite during each "
    "even every few finally for from furthermore he her here his how however i if in instead it its later like many "
    "moreover most my no not of on once one only or other others our she since so some such that the their then there "
    "therefore these they this those though three through thus to today two under unlike until upon we what when where "
    "whereas whether which while who why with within without you your answer".split()
)
_NEXT_CAPITAL = re.compile(r"[\w'’-]*\s+[A-Z]")


def names(sentence: str) -> list[str]:
    """Return the names of a sentence in order, case folded, without a possessive ending.

    The first word of a sentence is taken for a name if the next has a capital too, unless it is one that sentences
    often begin with ("The Eiffel Tower").
    """
    found = []
    for match in _WORD.finditer(sentence):
        word = re.sub(r"['’]s?$", "", match.group())
        if word[:1].isupper() and (not _starts(sentence, match.start()) or _is_leading_name(sentence, match)):
            found.append(word.casefold())
    return found


def _is_leading_name(sentence: str, match: re.Match[str]) -> bool:
    followed = _NEXT_CAPITAL.match(sentence, match.start()) is not None
    return followed and match.group().casefold() not in _STARTERS


def _starts(sentence: str, position: int) -> bool:
    """Tell whether a sentence or a quotation begins at the position."""
    return _SENTENCE_START.search(sentence[:position]) is not None

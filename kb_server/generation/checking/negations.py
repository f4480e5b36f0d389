"""Negations, and whether two texts deny the same things."""

import re

from kb_server.generation.checking.aligning import STOP
from kb_server.terms import terms

_NOT_NEGATIONS = re.compile(
    r"\bnot only\b|\bno\.\s?\d"
    r"|不仅|不但|不断|不同|不久|不过|不管|不论|不少|不得不|不错|不锈|不光|不只|非常|非洲|未来|无论|无线|无锡|否则|除非|是否|能否|与否|可否|别的|别人|特别|分别|区别|级别|性别|类别|个别|告别|沉没|莫非|不可不"
)
_NEGATION = re.compile(
    r"\b(?:not|never|none|neither|nor|without|cannot|no)\b|n[’']t\b|[不没无未非勿毋莫]|别(?=[再去让把人])"
)
_REACH = 2  # terms behind a negation that it is taken to deny


def negated(text: str) -> list[set[str]]:
    """Return for each negation of a text the terms right behind it (before it, if it ends the text)."""
    plain = _NOT_NEGATIONS.sub(lambda found: "·" * len(found.group()), text)
    found = []
    for match in _NEGATION.finditer(plain):
        behind = _content(text[match.end() : match.end() + 60])[:_REACH]
        before = _content(text[max(0, match.start() - 40) : match.start()])
        found.append(set(behind or before[-_REACH:]))
    return found


def _content(text: str) -> list[str]:
    return [term for term in terms(text) if term not in STOP]


def denies_alike(sentence: str, source: str) -> bool:
    """Tell whether each negation of the sentence is in the source, and none of the source's is left out.

    A negation of the source counts as left out only if the sentence has all the terms that it denies.
    """
    stated, there = negated(sentence), negated(source)
    words = set(terms(sentence))
    invented = any(not any(scope & other for other in there) for scope in stated)
    dropped = any(scope and scope <= words and not any(scope & other for other in stated) for scope in there)
    return not invented and not dropped

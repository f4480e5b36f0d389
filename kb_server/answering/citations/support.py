"""Whether a passage supports a sentence.

The check is deterministic and strict about what models get wrong most: numbers with their units, dates, names and
negations must stand in the sentences of the passage that the sentence was made from, not just anywhere in it; and most
of its other words in the passage. See docs/decisions/citation-checks.md for what it catches and what it flags wrongly.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from kb_server.text.numbers import in_digits
from kb_server.text.quantities import missing_quantities, quantities
from kb_server.text.references import POINTS_BACK
from kb_server.text.sentences import sentence_spans
from kb_server.text.terms import is_cjk, terms

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


_FLANK = 3  # characters or words that must agree before and behind the exchanged part together, and one on each side

_LONG_FLANK = 8  # the same where the exchanged part begins or ends the sentence

_LONGEST = 6  # more than that exchanged is another way of saying it, not a slip


def exchanged(sentence: list[str], source: list[str]) -> Iterator[tuple[list[str], list[str]]]:
    """Yield (said, in the source) for each short run of tokens that stands in the place of another one."""
    steps = SequenceMatcher(None, source, sentence, autojunk=False).get_opcodes()
    equal = [end - start if kind == "equal" else 0 for kind, _, _, start, end in steps]
    for i, (kind, source_start, source_end, start, end) in enumerate(steps):
        flanks = equal[max(i - 1, 0) : i] + equal[i + 1 : i + 2]
        short = max(end - start, source_end - source_start) <= _LONGEST
        if kind == "replace" and short and _agree(flanks):
            yield sentence[start:end], source[source_start:source_end]


def _agree(flanks: Sequence[int]) -> bool:
    """Tell whether enough tokens agree on each side that a part has."""
    enough = _FLANK if len(flanks) == 2 else _LONG_FLANK
    return all(flanks) and sum(flanks) >= enough


def tokens(text: str) -> list[str]:
    """Cut a normalised text into words and single Chinese characters; punctuation is left out."""
    found: list[str] = []
    word = ""
    for character in [*text, " "]:
        if character.isalnum() and not is_cjk(character):
            word += character
            continue
        found += [word] if word else []
        word = ""
        found += [character] if is_cjk(character) else []
    return found


_WORDS_NEEDED = 0.5

_LONGEST_CHINESE_WORD = 4


def is_supported(sentence: str, text: str, headings: Sequence[str] = ()) -> bool:
    """Tell whether a passage and the headings it stands under say what a sentence states; a quote of it always is."""
    if normalised(sentence) in normalised(text):
        return True
    said, passage, titles = (in_digits(_flat(part)) for part in (sentence, text, " ".join(headings)))
    if overlap(said, f"{titles} {passage}") < _WORDS_NEEDED:
        return False
    before, source = _said_by(said, passage)
    return (
        _has_quantities(said, f"{source} {titles}")
        and _has_names(said, f"{before} {source} {titles}")
        and denies_alike(said.casefold(), source.casefold())
        and not _exchanges(said, source)
    )


def _said_by(said: str, passage: str) -> tuple[str, str]:
    """Return the parts of a passage that a sentence comes from, and before them what they point back to, if they do."""
    origins = origin(said, passage)
    source = " ".join(passage[start:end] for start, end in origins)
    before = passage[: origins[0][0]] if origins and POINTS_BACK.search(source) else ""
    return before, source


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
    return all(part in there or set(terms(part)) <= stems for part in _name_parts(said))


def _name_parts(text: str) -> list[str]:
    return [part for name in names(text) for part in tokens(name)]


def _exchanges(said: str, source: str) -> bool:
    """Tell whether a name, a figure or a Chinese word was exchanged in a sentence that is otherwise the source's."""
    capitals = {*_name_parts(said), *_name_parts(source)}
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

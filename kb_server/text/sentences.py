"""Where sentences end, in Chinese and English."""

import re

_CJK_END = "。！？；…"
_CLOSING = re.escape("\"'”’」』）)】》］]")
_ABBREVIATIONS = frozenset(
    "mr mrs ms dr prof sr jr st vs etc e.g i.e cf al inc ltd co corp no vol fig eq ca approx dept est gen col lt sgt "
    "rev hon jan feb mar apr jun jul aug sep sept oct nov dec pp p u.s u.k u.n d.c a.m p.m ph.d".split()
)
_BOUNDARY = re.compile(rf"\n+|[{_CJK_END}]+[{_CLOSING}]*|(?<![.!?])[.!?]++[{_CLOSING}]*+(?=\s|$|[\u3400-\u9fff])")
_NEXT_CHARACTER = re.compile(r"\s*(\S)")
_LONGEST_WORD = 40
_LONGEST_ABBREVIATION = 4  # before a small letter a point behind so short a word is taken for an abbreviation's
_LAST_WORD = re.compile(r"[^\s(\[\"'“‘]+$")


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Return the (start, end) of each sentence, in order, without the white space around it.

    A newline ends a sentence, since inside a block it separates list items, table rows and lines of code.
    """
    spans: list[tuple[int, int]] = []
    begin = 0
    for mark in _BOUNDARY.finditer(text):
        if mark.group().startswith(".") and not _ends_sentence(text, begin, mark):
            continue
        _append_trimmed(spans, text, begin, mark.end())
        begin = mark.end()
    _append_trimmed(spans, text, begin, len(text))
    return spans


def sentences(text: str) -> list[str]:
    """Return the sentences themselves."""
    return [text[start:end] for start, end in sentence_spans(text)]


def _ends_sentence(text: str, begin: int, mark: re.Match[str]) -> bool:
    """Tell a full stop from the point of an abbreviation, an initial or a list number."""
    if len(mark.group()) > 1:
        return True
    near = max(begin, mark.start() - _LONGEST_WORD)  # looking back further would make long texts slow
    word = _LAST_WORD.search(text, near, mark.start())
    if word is None:
        return True
    token = word.group()
    if _is_initial(token) or token.casefold() in _ABBREVIATIONS or _is_list_number(text, begin, word):
        return False
    following = _NEXT_CHARACTER.match(text, mark.end())
    goes_on = following is not None and following[1].islower()
    return not (goes_on and len(token) <= _LONGEST_ABBREVIATION)


def _is_initial(token: str) -> bool:
    return len(token) == 1 and token.isalpha() and token.isupper()


def _is_list_number(text: str, begin: int, word: re.Match[str]) -> bool:
    near = word.start() - begin < _LONGEST_WORD
    return near and word.group().isdigit() and not text[begin : word.start()].strip()


def _append_trimmed(spans: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if start < end:
        spans.append((start, end))

"""What counts as a word: stemmed words where spaces part them, pairs of characters where nothing does.

Pairs need no dictionary and find as much as a Chinese word segmenter does (docs/decisions/lexical-index.md).
"""

import math
import re
from collections.abc import Sequence
from functools import cache

import tantivy

from kb_server.text.characters import CJK_LETTERS
from kb_server.text.folding import dates, fold, measures
from kb_server.text.numbers import in_digits

BM25_K1 = 1.2  # tantivy's constants; a term's score stays below idf * (k1 + 1)

BM25_B = 0.75


def inverse_document_frequency(total: int, count: int) -> float:
    """Return ln(1 + (total - count + 0.5) / (count + 0.5)), as Lucene has it; `count` of `total` texts have it."""
    return math.log1p((total - count + 0.5) / (count + 0.5))


_WORD = rf"[^\W_{CJK_LETTERS}]+"
_JOINT = "[-_./,:&+#'’]"
_RUN = re.compile(rf"[{CJK_LETTERS}]+|{_WORD}(?:{_JOINT}{_WORD})*")
_PIECE = re.compile(_WORD)
_LETTERS_OR_DIGITS = re.compile(r"[0-9]+|[^0-9]+")
_THOUSANDS = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?")
_CJK_CHARACTER = re.compile(rf"[{CJK_LETTERS}]")


def terms(text: str) -> list[str]:
    """Return the terms of a text in order, with repeats, written as texts are compared (see `folding`).

    A code, a version or a file name is a term of its own and so are its parts; behind the words stand the dates and the
    measures in one way of writing each, whichever the text has.
    """
    folded = in_digits(fold(text))
    pieces = [piece for run in _RUN.findall(folded) for piece in _pieces(run)]
    stemmed = _stemmer().analyze(" ".join(pieces)) if pieces else []
    return [*stemmed, *dates(folded), *measures(folded)]


def codes(text: str) -> list[str]:
    """Return the terms of a text that name one thing: LK-207, 2.4.0, SA-2024-0001; in order, each once.

    A code is one to four letters and then a digit, three characters at least, or a version of three numbers.
    """
    found = [_whole(run) for run in _RUN.findall(in_digits(fold(text)))]
    return [term for term in dict.fromkeys(found) if _CODE.fullmatch(term)]


_CODE = re.compile(r"(?=[a-z0-9]{3})[a-z]{1,4}[0-9][a-z0-9]*|[0-9]+(?:\.[0-9]+){2,}")

_VERSION = re.compile(r"v(?=[0-9]+(?:\.[0-9]+)+$)")


def _pieces(run: str) -> Sequence[str]:
    """Return a run's terms: pairs of Chinese characters; a word; a code whole and in parts."""
    if is_cjk(run[0]):
        return _pairs(run)
    if not _DIGIT.search(run):
        return _PIECE.findall(run)
    parts = [part for piece in _PIECE.findall(run) for part in _LETTERS_OR_DIGITS.findall(piece)]
    whole = _whole(run)
    return parts if parts == [whole] else [whole, *parts]


def _whole(run: str) -> str:
    """Return a code without its joints, so that lk207 is LK-207; the dots of a number stay."""
    if _THOUSANDS.fullmatch(run):
        return run.replace(",", "")
    run = _VERSION.sub("", run)
    return run if _NUMBER.fullmatch(run) else "".join(_PIECE.findall(run))


_DIGIT = re.compile("[0-9]")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)*")


def is_cjk(text: str) -> bool:
    """Tell whether a text has Chinese, Japanese or Korean characters."""
    return _CJK_CHARACTER.search(text) is not None


def script(text: str) -> str:
    """Name the script that decides how well an embedder knows a text: `cjk` or `other`."""
    characters = len(_CJK_CHARACTER.findall(text))
    words = sum(1 for run in _RUN.findall(text) if not is_cjk(run[0]))
    return "cjk" if characters > words else "other"


def _pairs(run: str) -> list[str]:
    return [run[i : i + 2] for i in range(len(run) - 1)] or [run]


@cache
def _stemmer() -> tantivy.TextAnalyzer:
    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace())
    return builder.filter(tantivy.Filter.stemmer("english")).build()

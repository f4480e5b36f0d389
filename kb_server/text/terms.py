"""What counts as a word: stemmed words where spaces part them, pairs of characters where nothing does.

Pairs need no dictionary and find as much as a Chinese word segmenter does (docs/decisions/lexical-index.md).
"""

import math
import re
import unicodedata
from functools import cache

import tantivy

from kb_server.text.characters import CJK_LETTERS

BM25_K1 = 1.2  # tantivy's constants; a term's score stays below idf * (k1 + 1)

BM25_B = 0.75


def inverse_document_frequency(total: int, count: int) -> float:
    """Return ln(1 + (total - count + 0.5) / (count + 0.5)), as Lucene has it; `count` of `total` texts have it."""
    return math.log1p((total - count + 0.5) / (count + 0.5))


_RUN = re.compile(rf"[{CJK_LETTERS}]+|[^\W_{CJK_LETTERS}]+")

_CJK_CHARACTER = re.compile(rf"[{CJK_LETTERS}]")


def terms(text: str) -> list[str]:
    """Return the terms of a text in order, with repeats; case, width and English endings do not matter."""
    runs = _RUN.findall(unicodedata.normalize("NFKC", text).casefold())
    if not runs:
        return []
    pieces = [piece for run in runs for piece in (_pairs(run) if is_cjk(run[0]) else (run,))]
    return list(_stemmer().analyze(" ".join(pieces)))


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

"""The texts that kNN-LM is measured on: wikitext-2 as running text, Chinese news, and code."""

import re
from pathlib import Path

import numpy as np

from kb_server.knnlm.interpolation import Ints
from kb_server.knnlm.measure import UNRELATED as GUARD

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "wikitext-2"
UNRELATED = ("news", "code")
_TITLE = re.compile(r"= [^=].*[^=] =")
_SIZE = 6000  # characters of code, which are some 2,000 tokens; Chinese has as many tokens in a third of that


def text_of(name: str) -> str:
    """Return a wikitext file as running text, a paragraph a line; or Chinese news, or code of this program.

    `guard` is what `kb knn tune` takes for unrelated text; news and code judge what it does with it.
    """
    if name == "guard":
        return GUARD
    if name == "news":
        return (SHARED.parent / "news-zh" / "part-1.txt").read_text("utf-8")[: _SIZE // 3]
    if name == "code":
        return (Path(__file__).parents[1] / "kb_server" / "answering" / "answering.py").read_text("utf-8")[:_SIZE]
    return "\n".join(lines_of(name))


def lines_of(name: str) -> list[str]:
    """Return the paragraphs and headings of a wikitext file, one each."""
    return [line for line in map(detokenised, (SHARED / f"{name}.txt").read_text("utf-8").splitlines()) if line]


def detokenised(line: str) -> str:
    """Undo what wikitext did to a line: spaces around punctuation, @-@, quotes."""
    line = line.replace(" @-@ ", "-").replace(" @,@ ", ",").replace(" @.@ ", ".").replace("<unk>", "unk")
    line = re.sub(r" ([,.;:!?)\]%])", r"\1", line)
    line = re.sub(r"([(\[$£]) ", r"\1", line)
    line = re.sub(r" (n't|'s|'re|'ve|'d|'ll|'m)\b", r"\1", line).replace(" '", "'")
    return re.sub(r'" ([^"]*?) "', r'"\1"', line).strip()


def line_numbers(tokens: Ints, newline: int) -> Ints:
    """Return which line each token stands in; a newline ends its line."""
    found: Ints = np.cumsum(tokens == newline) - (tokens == newline)
    return found


def articles(lines: list[str]) -> Ints:
    """Return the number of each line's article; a heading of the first rank begins one."""
    found: Ints = np.cumsum([_TITLE.fullmatch(line) is not None for line in lines])
    return found


def ordinary(lines: list[str]) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """Return which lines are no headings and have no `unk`."""
    return np.array([not line.startswith("= ") and not re.search(r"\bunk\b", line) for line in lines])

"""Where definitions begin in source code, told by indentation, so in any language that is written with it."""

import re
from collections.abc import Iterator
from itertools import pairwise

from loaders.tokens import count_tokens

Span = tuple[int, int]

_LINE = re.compile(r"[^\S\n]*\S[^\n]*")
_CONTINUES = re.compile(r"[})\]]|(?:end|else|elif|except|finally|catch|rescue|then|fi|done|esac|case)\b")
_BELONGS_TO_NEXT = re.compile(r"@|#(?!include)|//|/\*|\*|--|;;|<!--|\[\[?\w")
_DEEPEST = 5


def code_units(body: str, size: int) -> list[Span]:
    """Return (start, end) of stretches of whole lines that together hold all of them.

    A stretch is a definition with the comments and decorators above it, if it has at most `size` tokens; of a larger
    one the parts that are indented within it; at last the lines.
    """
    lines = [line.span() for line in _LINE.finditer(body)]
    return [(_indented(body, start)[1], end) for start, end in _units(body, lines, size, 0)]


def _units(body: str, lines: list[Span], size: int, depth: int) -> Iterator[Span]:
    if not lines:
        return
    base = min(_indent(body, line) for line in lines)
    starts = [0, *(i for i in range(1, len(lines)) if _begins(body, lines[i - 1], lines[i], base)), len(lines)]
    for first, last in pairwise(starts):
        unit = lines[first:last]
        if len(unit) == 1 or count_tokens(body[unit[0][0] : unit[-1][1]]) <= size:
            yield unit[0][0], unit[-1][1]
        elif depth >= _DEEPEST:
            yield from unit
        else:
            head = next((i for i, line in enumerate(unit) if i and _indent(body, line) > base), 1)
            yield from unit[:head]
            yield from _units(body, unit[head:], size, depth + 1)


def _begins(body: str, before: Span, line: Span, base: int) -> bool:
    if _indent(body, line) > base or _CONTINUES.match(body, _indented(body, line[0])[1]):
        return False
    return _indent(body, before) > base or not _BELONGS_TO_NEXT.match(body, _indented(body, before[0])[1])


def _indent(body: str, line: Span) -> int:
    return len(body[slice(*_indented(body, line[0]))].expandtabs(4))


def _indented(body: str, start: int) -> Span:
    """Return where a line's blanks begin and end."""
    end = start
    while end < len(body) and body[end] in " \t":
        end += 1
    return start, end

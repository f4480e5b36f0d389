"""Values of cells as a workbook's number formats show them (ECMA-376 part 1, 18.8.31), but with all their digits.

What a format adds is part of the fact: a percent sign or 万元 in quotes, leading zeros, a currency. What it only takes
away, as rounding and marks between thousands, is left out. Dates are ISO dates. No library of Python's does this.
"""

import operator
import re
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from fractions import Fraction
from functools import lru_cache
from itertools import takewhile
from typing import NamedTuple

_DIGITS = 10  # after the point: what comes later is the noise of binary fractions
_LARGEST_WHOLE = 1e15
_DAY = 86_400  # seconds
_FALSE_LEAP_DAY = 60  # 29 February 1900, which Excel counts
_TOKEN = re.compile(
    r"""(?P<quoted>"[^"]*"?)|(?P<escaped>[\\!].)|(?P<space>[_*].)|\[(?P<bracket>[^\]]*)\]|(?P<digits>[0#?]+)"""
    r"""|(?P<exponent>E[+-])|(?P<general>General|G/通用格式)|(?P<end>;)|(?P<literal>.)""",
    re.IGNORECASE | re.DOTALL,
)
_SIGNS = {".": "point", ",": "comma", "%": "percent", "/": "slash", "@": "text"}
_PLACEHOLDERS = ("digits", "general")
_NO_OTHER_NUMBER = 0.001  # how far a fraction may be from its number
_COMPARED: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "<>": operator.ne,
}
_CONDITION = re.compile(r"(<=|>=|<>|=|<|>)\s*(-?\d+(?:\.\d+)?)")
_SPAN = re.compile(r"\[(h+|m+|s+)\]", re.IGNORECASE)
_NOT_A_PART = re.compile(r'"[^"]*"|[\\!_*].|\[[^\]]*\]|General')

_YEAR_MONTH, _YEAR_MONTH_DAY, _TIME = 'yyyy"年"m"月"', 'yyyy"年"m"月"d"日"', 'h"时"mm"分"'
EAST_ASIAN_DATES = (
    dict.fromkeys((27, 36, 50, 52, 57), _YEAR_MONTH)
    | dict.fromkeys((28, 29, 30, 31, 51, 53, 54, 58), _YEAR_MONTH_DAY)
    | dict.fromkeys((32, 33, 34, 35, 55, 56), _TIME)
)
"""Formats of dates that Chinese, Japanese and Korean Excel use by number alone, without writing them into the file."""


class _Part(NamedTuple):
    kind: str
    text: str


Section = Sequence[_Part]


def cell_text(value: object, code: str = "General") -> str:
    """Return a cell's text: `code` is its number format; dates are 2024-01-31, durations 26:30:00, numbers in full."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).upper()
        case int() | float():
            return _number(value, code)
        case timedelta():
            return duration_text(value.total_seconds(), code)
        case datetime() | date():
            return _date(value, code)
        case time():
            return value.isoformat("seconds")
    return _text(str(value).strip(), code)


def number_text(value: float) -> str:
    """Return a number without the point and zero that a whole one is stored with."""
    rounded = round(value, _DIGITS)
    is_whole = abs(rounded) < _LARGEST_WHOLE and rounded == int(rounded)
    return str(int(rounded)) if is_whole else repr(rounded)


def serial_text(value: float, code: str, *, from_1904: bool = False) -> str:
    """Return a moment that is stored as days since 1900 (or 1904) as its format's kind: date, time of day, duration."""
    if is_duration(code):
        return duration_text(value * _DAY, code)
    is_early = not from_1904 and 1 <= value < _FALSE_LEAP_DAY
    start = datetime(1904, 1, 1) if from_1904 else datetime(1899, 12, 31 if is_early else 30)
    try:
        moment = start + timedelta(seconds=round(value * _DAY))
    except OverflowError:
        return number_text(value)
    return cell_text(moment.time() if 0 <= value < 1 else moment, code)


def is_date(code: str) -> bool:
    """Tell whether a format shows a date or a time."""
    return (
        is_duration(code)
        or re.search("[ymdhs]", _NOT_A_PART.sub("", code.partition(";")[0]), re.IGNORECASE) is not None
    )


def is_duration(code: str) -> bool:
    """Tell whether a format counts hours beyond a day, as `[h]:mm` does."""
    return _SPAN.search(code.partition(";")[0]) is not None


def duration_text(seconds: float, code: str) -> str:
    """Return a length of time in the largest unit that its format counts: 26:30, 90:15 (minutes), 75 (seconds)."""
    sign, total = "-" if seconds < 0 else "", round(abs(seconds))
    found = _SPAN.search(code)
    unit = found[1][0].lower() if found else "h"
    if unit == "s":
        return f"{sign}{total}"
    if unit == "m":
        return f"{sign}{total // 60}:{total % 60:02}"
    shown = f"{sign}{total // 3600}:{total // 60 % 60:02}"
    has_seconds = total % 60 or not found or "s" in code.lower()
    return shown if not has_seconds else f"{shown}:{total % 60:02}"


def _date(value: date, code: str) -> str:
    """Return a date; of one that its format shows as a month or a year alone, and is its first day, no more."""
    if isinstance(value, datetime) and value.time() != time():
        return value.isoformat(" ", "seconds")
    parts = set(_NOT_A_PART.sub("", code.partition(";")[0]).lower())
    text = value.isoformat()[:10]
    if value.day > 1 or "y" not in parts or parts & {"d", "h"}:
        return text
    return text[:4] if value.month == 1 and "m" not in parts else text[:7]


@lru_cache(maxsize=1024)
def _sections(code: str) -> tuple[Section, ...]:
    sections: list[list[_Part]] = [[]]
    for found in _TOKEN.finditer(code):
        kind, text = str(found.lastgroup), found[0]
        if kind == "end":
            sections.append([])
        elif kind == "quoted":
            sections[-1].append(_Part("literal", text.strip('"')))
        elif kind == "escaped":
            sections[-1].append(_Part("literal", text[1]))
        elif kind == "bracket":
            sections[-1].append(_bracket(found["bracket"]))
        else:
            sections[-1].append(_Part(_SIGNS.get(text, kind) if kind == "literal" else kind, text))
    return tuple(map(tuple, sections))


def _bracket(text: str) -> _Part:
    """Read what stands in brackets: a currency, a condition, or a colour and the like, which say nothing."""
    if text.startswith("$"):
        return _Part("literal", text[1:].rpartition("-")[0] if "-" in text else text[1:])
    return _Part("condition" if _CONDITION.fullmatch(text) else "space", text)


def _text(text: str, code: str) -> str:
    """Put a text where its format has an @ beside words of its own."""
    if "@" not in code or len(code) == 1:
        return text
    section = next((each for each in _sections(code) if _has(each, "text")), ())
    return "".join({"text": text, "literal": part.text}.get(part.kind, "") for part in section)


def _has(section: Section, *kinds: str) -> bool:
    return any(part.kind in kinds for part in section)


def _number(value: float, code: str) -> str:
    if code == "General" or value != value:
        return number_text(value)
    section, is_signed = _section(value, _sections(code))
    words = _words(section)
    if not _has(section, *_PLACEHOLDERS):
        return words.strip() if _has_letters(words) else number_text(value)
    if not is_signed and _has_letters(words):
        return _shown(abs(value), section)
    return _signed(value, _shown(abs(value), section if is_signed else _without_brackets(section)))


def _words(section: Section) -> str:
    return "".join(part.text for part in section if part.kind == "literal")


def _has_letters(text: str) -> bool:
    return any(map(str.isalpha, text))


def _signed(value: float, shown: str) -> str:
    """Put a minus before what red or brackets would tell, of which text has none."""
    return f"-{shown}" if value < 0 and not shown.startswith("-") else shown


def _section(value: float, sections: tuple[Section, ...]) -> tuple[Section, bool]:
    """Return the section for a value, and whether the value shows its own sign there."""
    if any(_has(section, "condition") for section in sections):
        return next(filter(lambda section: _is_met(section, value), sections), ()), True
    positive, negative, zero, *_ = *sections, (), (), ()
    if value < 0 and _has(negative, "digits"):
        return negative, False
    return zero if value == 0 and len(sections) > 2 else positive, True


def _is_met(section: Section, value: float) -> bool:
    return all(_holds(value, part.text) for part in section if part.kind == "condition")


def _holds(value: float, condition: str) -> bool:
    found = _CONDITION.fullmatch(condition)
    return found is not None and _COMPARED[found[1]](value, float(found[2]))


def _without_brackets(section: Section) -> Section:
    return [part for part in section if part.text not in ("(", ")", "（", "）")]


def _shown(value: float, section: Section) -> str:
    places = [at for at, part in enumerate(section) if part.kind in _PLACEHOLDERS]
    first, last = places[0], places[-1]
    value *= _scale(section, last)
    end = _end_of_fraction(section, last)
    body = _fraction(value, section[first : end + 1]) or _placed(value, section[first : last + 1])
    around = [*section[:first], _Part("literal", body or _padded(value, section)), *section[end + 1 :]]
    return "".join(part.text for part in around if part.kind in ("literal", "percent")).strip()


def _scale(section: Section, last: int) -> float:
    """Return by what a value is multiplied: 100 for a percent sign, a thousandth for each comma at the end."""
    percents = sum(part.kind == "percent" for part in section)
    commas = sum(1 for _ in takewhile(lambda part: part.kind == "comma", section[last + 1 :]))
    return 100.0**percents / 1000.0**commas if percents or commas else 1


def _padded(value: float, section: Section) -> str:
    """Write a number with as many digits before the point as its format has zeros there."""
    before = takewhile(lambda part: part.kind not in ("point", "exponent"), section)
    zeros = sum(part.text.count("0") for part in before if part.kind == "digits")
    text = number_text(value)
    whole, point, rest = text.partition(".")
    return text if "e" in text else whole.zfill(zeros) + point + rest


def _placed(value: float, section: Section) -> str:
    """Put digits around the literals between them, as `000-0000-0000` does; empty where the format has none there."""
    if not _words(section).strip() or _has(section, "point", "slash", "exponent", "general"):
        return ""
    digits, shown = str(round(value)), ""
    for at, part in reversed(list(enumerate(section))):
        if part.kind == "digits":
            taken = digits[-len(part.text) :] if at else digits
            digits = digits[: len(digits) - len(taken)]
            shown = taken.zfill(part.text.count("0")) + shown
        elif part.kind == "literal":
            shown = part.text * bool(digits or "0" in section[0].text) + shown
    return shown


def _end_of_fraction(section: Section, last: int) -> int:
    """Return the last place of a denominator that is given in figures (`?/8`), for these are no placeholders."""
    after = section[last + 1 :]
    if not after or after[0].kind != "slash":
        return last
    return last + 1 + sum(1 for _ in takewhile(lambda part: part.text.isdecimal(), after[1:]))


def _fraction(value: float, section: Section) -> str:
    """Write `# ?/?` as 2 1/4; empty for a format without fraction, and where no fraction of its length is the value."""
    kinds = [part.kind for part in section]
    if "slash" not in kinds:
        return ""
    slash = kinds.index("slash")
    found = _nearest(value, "".join(part.text for part in section[slash + 1 :]))
    if abs(float(found) - value) > _NO_OTHER_NUMBER:
        return ""
    has_whole = kinds[:slash].count("digits") > 1
    whole, rest = divmod(found.numerator, found.denominator) if has_whole else (0, found.numerator)
    return " ".join([str(whole)] * bool(whole or not rest) + [f"{rest}/{found.denominator}"] * bool(rest))


def _nearest(value: float, given: str) -> Fraction:
    """Return the nearest fraction with a given denominator, or with one of as many digits as there are placeholders."""
    if given.isdecimal() and int(given):
        return Fraction(round(value * int(given)), int(given))
    return Fraction(value).limit_denominator(max(10 ** min(len(given), 6) - 1, 1))

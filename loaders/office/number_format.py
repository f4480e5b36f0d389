"""Values of cells as a workbook's number formats show them (ECMA-376 part 1, 18.8.31), but with all their digits.

What a format adds is part of the fact: a percent sign or 万元 in quotes, leading zeros, a currency. What it only takes
away, as rounding and marks between thousands, is left out. Dates are ISO dates. No library of Python's does this.
"""

import re
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from fractions import Fraction
from functools import lru_cache
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
    parts = _NOT_A_PART.sub("", code.partition(";")[0]).lower()
    text = value.isoformat()[:10]
    if "y" in parts and "d" not in parts and value.day == 1 and "h" not in parts:
        return text[:7] if "m" in parts or value.month > 1 else text[:4]
    return text


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
    section = next((each for each in _sections(code) if any(part.kind == "text" for part in each)), ())
    return "".join(text if part.kind == "text" else part.text if part.kind == "literal" else "" for part in section)


def _number(value: float, code: str) -> str:
    if code == "General" or value != value:
        return number_text(value)
    section, is_signed = _section(value, _sections(code))
    words = "".join(part.text for part in section if part.kind == "literal")
    says_sign = not is_signed and any(map(str.isalnum, words))  # else red or brackets tell it, of which text has none
    if not any(part.kind in ("digits", "general") for part in section):
        return words.strip() if any(map(str.isalpha, words)) else number_text(value)
    shown = _shown(abs(value), section if is_signed or says_sign else _without_brackets(section))
    minus = "-" if value < 0 and not says_sign and "-" not in shown[:1] else ""
    return minus + shown


def _section(value: float, sections: tuple[Section, ...]) -> tuple[Section, bool]:
    """Return the section for a value, and whether the value shows its own sign there."""
    for section in sections:
        for part in section:
            if part.kind == "condition" and _holds(value, part.text):
                return section, True
    if any(part.kind == "condition" for section in sections for part in section):
        return next((each for each in sections if all(part.kind != "condition" for part in each)), ()), True
    if value < 0 and len(sections) > 1 and any(part.kind == "digits" for part in sections[1]):
        return sections[1], False
    if value == 0 and len(sections) > 2:
        return sections[2], True
    return sections[0], True


def _holds(value: float, condition: str) -> bool:
    found = _CONDITION.fullmatch(condition)
    sign, bound = (found[1], float(found[2])) if found else ("", 0.0)
    return {"<": value < bound, ">": value > bound, "=": value == bound}.get(sign[:1], False) or (
        (sign in ("<=", ">=") and value == bound) or (sign == "<>" and value != bound)
    )


def _without_brackets(section: Section) -> Section:
    return [part for part in section if part.text not in ("(", ")", "（", "）")]


def _shown(value: float, section: Section) -> str:
    places = [at for at, part in enumerate(section) if part.kind in ("digits", "general")]
    first, last = places[0], places[-1]
    percents = sum(part.kind == "percent" for part in section)
    commas = 0
    while last + 1 + commas < len(section) and section[last + 1 + commas].kind == "comma":
        commas += 1
    value = value * 100**percents / 1000**commas
    body = (
        _fraction(value, section, first, last) or _placed(value, section[first : last + 1]) or _padded(value, section)
    )
    around = [*section[:first], _Part("literal", body), *section[max(last, _end_of_fraction(section, last)) + 1 :]]
    return "".join(part.text for part in around if part.kind in ("literal", "percent")).strip()


def _padded(value: float, section: Section) -> str:
    """Write a number with as many digits before the point as its format has zeros there."""
    zeros = 0
    for part in section:
        if part.kind in ("point", "exponent"):
            break
        zeros += part.text.count("0") if part.kind == "digits" else 0
    text = number_text(value)
    whole, point, rest = text.partition(".")
    return text if "e" in text else whole.zfill(zeros) + point + rest


def _placed(value: float, section: Section) -> str:
    """Put digits around the literals between them, as `000-0000-0000` does; empty where the format has none there."""
    if not any(part.kind == "literal" and part.text.strip() for part in section):
        return ""
    if any(part.kind in ("point", "slash", "exponent") for part in section):
        return ""
    digits, shown = str(round(value)), ""
    first = next(at for at, part in enumerate(section) if part.kind == "digits")
    for at in range(len(section) - 1, -1, -1):
        part = section[at]
        if part.kind == "digits":
            taken = digits if at == first else digits[-len(part.text) :]
            digits = digits[: len(digits) - len(taken)]
            shown = taken.zfill(part.text.count("0")) + shown
        elif part.kind == "literal" and (digits or "0" in section[first].text):
            shown = part.text + shown
    return shown


def _end_of_fraction(section: Section, last: int) -> int:
    """Return the last place of a denominator that is given in figures (`?/8`), for these are no placeholders."""
    end = last
    if last + 1 < len(section) and section[last + 1].kind == "slash":
        end = last + 1
        while end + 1 < len(section) and section[end + 1].text.isdecimal():
            end += 1
    return end


def _fraction(value: float, section: Section, first: int, last: int) -> str:
    """Write `# ?/?` as 2 1/4; empty for a format without fraction, and where no fraction of its length is the value."""
    slash = next((at for at, part in enumerate(section) if part.kind == "slash" and at > first), None)
    if slash is None:
        return ""
    end = _end_of_fraction(section, last)
    given = "".join(part.text for part in section[slash + 1 : end + 1])
    below = int(given) if given.isdecimal() and int(given) else 10 ** min(len(given), 6) - 1
    exact = Fraction(round(value * below), below) if given.isdecimal() and int(given) else None
    found = exact if exact is not None else Fraction(value).limit_denominator(max(below, 1))
    if abs(float(found) - value) > 0.5 / max(below, 1):
        return ""
    has_whole = sum(part.kind == "digits" for part in section[:slash]) > 1
    whole, rest = divmod(found.numerator, found.denominator) if has_whole else (0, found.numerator)
    part = f"{rest}/{found.denominator}" if rest else ""
    return " ".join(filter(None, [str(whole) if whole or not part else "", part]))

"""Numbers in digits and in words, Chinese and English, as exact values."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from math import prod

_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_ORDINALS = {"third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9, "tenth": 10}
_WORDS = {word: value for value, word in enumerate(_SMALL)} | {word: 10 * i for i, word in enumerate(_TENS, 2)}
_SCALES = {"hundred": 100, "thousand": 1_000, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_CJK_DIGITS = {"〇": 0, "零": 0, "两": 2} | {digit: value for value, digit in enumerate("一二三四五六七八九", 1)}
_CJK_SCALES = {"十": 10, "百": 100, "千": 1_000, "万": 10**4, "亿": 10**8}

_WORD = rf"(?:{'|'.join(sorted([*_WORDS, *_ORDINALS], key=len, reverse=True))})"
_SCALE = rf"(?:{'|'.join(_SCALES)})s?"
_DIGITS = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?(?!\d)|\d+(?:\.\d+)?"
_NUMBER = re.compile(
    rf"(?P<digits>{_DIGITS})(?:[\s-]?(?P<scale>{_SCALE})\b|(?P<cjk_scale>[百千万亿]+))?"
    rf"|\b(?P<words>{_WORD}(?:(?:[\s-]|\sand\s)(?:{_WORD}|{_SCALE}))*)\b"
    rf"|(?P<cjk>[〇零一二两三四五六七八九十百千万亿]+(?:点[〇零一二三四五六七八九]+)?)",
    re.IGNORECASE,
)
_PERCENT = re.compile(r"％之([\d.]+)")
_FRACTION = re.compile(r"(\d+)分之(\d+)")
_PLAIN = re.compile(r"[0-9.]+")
_ZERO_FIRST = re.compile("0[0-9]")
_JOINED_BEFORE = re.compile(r"[A-Za-z_]$|[A-Za-z0-9_][-./]$")
_JOINED_BEHIND = re.compile(r"[-./]?[A-Za-z_]|[-./][0-9]")
_CJK_MEASURES = "年月日号天周个名人家次倍元米公里岁届项位条座种部本张台只件分小秒点章节页层度吨克升美英欧楼期句场成"


@dataclass(frozen=True, slots=True)
class Number:
    """A number: its value, and `text[start:end]` where it stands."""

    value: Decimal
    start: int
    end: int


def numbers(text: str) -> Iterator[Number]:
    """Yield the numbers of a text in order.

    A lone "one" is none, a lone 一, 十, 万 … only before a measure word: mostly they are articles or parts of words.
    """
    for match in _NUMBER.finditer(text):
        value = _value(match, text)
        if value is not None:
            yield Number(value, match.start(), match.end())


def in_digits(text: str) -> str:
    """Rewrite the numbers of a text in plain digits: "two million", 2,000,000 and 二百万 all become 2000000.

    Digits inside of a code, a version or a telephone number stay: 2.10.1 is not 2.1.1, nor is LK-007 LK-7.
    """
    text = text.replace("百分之", "％之")  # 百 is no number there
    parts, done = [], 0
    for number in numbers(text):
        if not _in_a_code(text, number):
            parts += [text[done : number.start], format(number.value.normalize(), "f")]
            done = number.end
    return _FRACTION.sub(r"\2/\1", _PERCENT.sub(r"\1%", "".join([*parts, text[done:]])))


def _in_a_code(text: str, number: Number) -> bool:
    """Tell whether digits are joined to letters or other digits by nothing, a hyphen, a dot or the like."""
    plain = _PLAIN.fullmatch(text, number.start, number.end)
    if plain and _ZERO_FIRST.match(plain.group()):
        return True  # as of a telephone
    before, behind = text[max(number.start - 2, 0) : number.start], text[number.end : number.end + 2]
    return plain is not None and (_JOINED_BEFORE.search(before) or _JOINED_BEHIND.match(behind)) is not None


def _value(match: re.Match[str], text: str) -> Decimal | None:
    if match["digits"]:
        return Decimal(match["digits"].replace(",", "")) * _scale(match)
    if match["words"]:
        words = match["words"].lower()
        return None if words == "one" else Decimal(_english(words))
    run, behind = match["cjk"], text[match.end() : match.end() + 1]
    counts = (behind and behind in _CJK_MEASURES) or text.endswith(("分之", "％之"), 0, match.start())
    return _chinese(run) if len(run) > 1 or counts else None


def _scale(match: re.Match[str]) -> int:
    """Return what a number in digits is multiplied by: the million of "2 million", the 万 of 2万."""
    scale = _SCALES[match["scale"].lower().removesuffix("s")] if match["scale"] else 1
    return scale * prod(_CJK_SCALES[character] for character in match["cjk_scale"] or "")


def _english(words: str) -> int:
    """Return the value of "two hundred and five thousand"."""
    total = part = 0
    for word in re.split(r"[\s-]+", words):
        scale = _SCALES.get(word.removesuffix("s"))
        if scale == 100:
            part = max(part, 1) * scale
        elif scale:
            total, part = total + max(part, 1) * scale, 0
        else:
            part += _WORDS.get(word, _ORDINALS.get(word, 0))
    return total + part


def _chinese(run: str) -> Decimal:
    """Return the value of 一千五百, 一点五, 十二; a run of digits alone (二〇二六) is read digit by digit."""
    whole, _, part = run.partition("点")
    decimals = "".join(str(_CJK_DIGITS[character]) for character in part)
    return Decimal(f"{_chinese_integer(whole)}.{decimals}" if decimals else _chinese_integer(whole))


def _chinese_integer(run: str) -> int:
    if not any(character in _CJK_SCALES for character in run):
        return int("".join(str(_CJK_DIGITS[character]) for character in run))
    total = section = digit = 0
    for character in run:
        scale = _CJK_SCALES.get(character)
        if scale is None:
            digit = _CJK_DIGITS[character]
        elif scale == 10**8:
            total, section, digit = (total + section + digit) * scale, 0, 0
        elif scale == 10**4:
            total, section, digit = total + (section + digit) * scale, 0, 0
        else:
            section, digit = section + max(digit, 1) * scale, 0
    return total + section + digit

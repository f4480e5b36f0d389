"""What a text states in figures: numbers with their units, and months; two ways of writing one thing are equal."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from kb_server.text.numbers import Number, numbers

_MONTHS = "january february march april may june july august september october november december".split()
_MONTH_NAMES = re.compile(
    r"\b(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
    r"(?:uary|ruary|ch|il|e|y|ust|tember|t|ober|ember)?\b\.?(?=[\s,]|$)"
)
_BEFORE_MAY = re.compile(
    r"(?:\d(?:st|nd|rd|th)?|\b(?:in|of|since|until|by|from|before|after|during|last|next|every|early|mid|late))[\s-]*$"
)
_BEHIND_MAY = re.compile(r"[\s,]*\d")
_ISO_DATE = re.compile(r"(?<!\d)(\d{4})[-/.](0?[1-9]|1[0-2])[-/.](0?[1-9]|[12]\d|3[01])(?!\d)")
_UNITS = {
    "percent": "% percent per\\scent 百分点",
    "year": "years year yrs yr 年",
    "month": "months month 个月",
    "week": "weeks week 周 星期",
    "day": "days day 天 日 号",
    "hour": "hours hour hrs hr 小时",
    "minute": "minutes minute mins min 分钟",
    "second": "seconds second secs sec 秒",
    "kilometre": "kilometres kilometers kilometre kilometer km 公里 千米",
    "metre": "metres meters metre meter 米",
    "centimetre": "centimetres centimeters cm 厘米",
    "millimetre": "millimetres millimeters mm 毫米",
    "mile": "miles mile 英里",
    "foot": "feet foot ft 英尺",
    "inch": "inches inch 英寸",
    "kilogram": "kilograms kilogram kg 公斤 千克",
    "gram": "grams gram 克",
    "tonne": "tonnes tonne tons ton 吨",
    "gigabyte": "gigabytes gb",
    "megabyte": "megabytes mb",
    "terabyte": "terabytes tb",
    "kilobyte": "kilobytes kb",
    "dollar": "dollars dollar usd 美元",
    "euro": "euros euro eur 欧元",
    "pound": "pounds pound 英镑",
    "yuan": "yuan rmb cny 元 人民币",
    "celsius": "°c 摄氏度",
    "fahrenheit": "°f 华氏度",
    "person": "people persons 人",
}
_UNIT_OF = {word.replace("\\s", " "): unit for unit, words in _UNITS.items() for word in words.split()}
_CURRENCY = {"$": "dollar", "€": "euro", "£": "pound", "¥": "yuan"}
_UNIT = re.compile(
    r"[\s-]?("
    + "|".join(
        word + (r"(?![a-z])" if word.isascii() and word[-1].isalpha() else "")
        for words in _UNITS.values()
        for word in words.split()
    )
    + ")"
)


@dataclass(frozen=True, slots=True)
class Quantity:
    """A value with its unit, None if none is known; a month of the year has the unit `month name`."""

    value: Decimal
    unit: str | None

    def agrees(self, other: "Quantity") -> bool:
        """Tell whether both can mean the same: equal values, and units equal or one of them unsaid."""
        months = (self.unit == "month name", other.unit == "month name")
        return self.value == other.value and (
            self.unit == other.unit or (None in (self.unit, other.unit) and not any(months))
        )


def quantities(text: str) -> list[Quantity]:
    """Return what a normalised text states in figures, dates taken apart into year, month and day."""
    found: list[Quantity] = []
    blank = _ISO_DATE.sub(lambda date: _take_date(date, found), text)
    blank = _MONTH_NAMES.sub(lambda name: _take_month(name, found), blank)
    return found + [_quantity(blank, number) for number in _without_chinese_months(blank, found)]


def missing_quantities(stated: list[Quantity], source: list[Quantity]) -> list[Quantity]:
    """Return what is stated and the source does not have, or has fewer times."""
    left, unpaired, missing = list(source), [], []
    for quantity in stated:  # equals first, so that none of them is spent on one whose unit is unsaid
        if quantity in left:
            left.remove(quantity)
        else:
            unpaired.append(quantity)
    for quantity in unpaired:
        same = next((other for other in left if quantity.agrees(other)), None)
        if same is None:
            missing.append(quantity)
        else:
            left.remove(same)
    return missing


def _take_date(date: re.Match[str], found: list[Quantity]) -> str:
    year, month, day = map(Decimal, date.groups())
    found += [Quantity(year, None), Quantity(month, "month name"), Quantity(day, None)]
    return " " * len(date.group())


def _take_month(name: re.Match[str], found: list[Quantity]) -> str:
    if name[1] == "may" and not _is_month(name):
        return name.group()
    number = next(i for i, month in enumerate(_MONTHS, 1) if month.startswith(name[1]))
    found.append(Quantity(Decimal(number), "month name"))
    return " " * len(name.group())


def _is_month(may: re.Match[str]) -> bool:
    """Tell the month from the verb: a figure stands beside it, or a word that dates follow."""
    text = may.string
    return bool(_BEFORE_MAY.search(text, max(0, may.start() - 12), may.start()) or _BEHIND_MAY.match(text, may.end()))


def _without_chinese_months(text: str, found: list[Quantity]) -> Iterator[Number]:
    """Yield the numbers but those before 月 (not 个月), which are months."""
    for number in numbers(text):
        if text[number.end : number.end + 1] == "月" and 1 <= number.value <= 12:
            found.append(Quantity(number.value, "month name"))
        else:
            yield number


def _quantity(text: str, number: Number) -> Quantity:
    before = text[: number.start].rstrip()[-1:]
    if before in _CURRENCY:
        return Quantity(number.value, _CURRENCY[before])
    behind = _UNIT.match(text, number.end)
    return Quantity(number.value, _UNIT_OF[behind[1].replace("\xa0", " ")] if behind else None)

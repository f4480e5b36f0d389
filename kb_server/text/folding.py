"""Text as it is compared: what people take for the same is written the same way. Quotes are never made of it."""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from kb_server.text.characters import letters_for_radicals
from kb_server.text.quantities import quantities


def fold(text: str) -> str:
    """Return a text in which width, case, radicals, and traditional and simplified characters do not differ."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return plain if plain.isascii() else letters_for_radicals(plain).translate(_simplified())


@cache
def _simplified() -> dict[int, str]:
    """Return OpenCC's simplified character for each traditional one."""
    table = files("opencc").joinpath("dictionary", "TSCharacters.txt").read_text("utf-8")
    pairs = (line.split("\t") for line in table.splitlines() if "\t" in line)
    return {ord(traditional): simple.split(" ")[0] for traditional, simple in pairs}


_MONTHS = {name: n for n, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}
_NAME = rf"({'|'.join(_MONTHS)})[a-z]{{0,6}}\.?"
_DAY = r"([0-9]{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?:,? ([0-9]{4}))?(?![0-9])"
_YEAR_FIRST = re.compile(r"(?<![0-9])([0-9]{4})(?:[-/.]|年 ?)([0-9]{1,2})(?:(?:[-/.]|月 ?)([0-9]{1,2}))?(?![0-9])")
_MONTH_FIRST = re.compile(rf"\b{_NAME} {_DAY}{_YEAR}")
_DAY_FIRST = re.compile(rf"(?<![0-9]){_DAY}(?: of)? {_NAME}{_YEAR}")
_FIGURES = re.compile(r"(?<![0-9/])([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})(?![0-9/])")
_NO_YEAR = re.compile(r"(?<![年0-9])(?<!年 )([0-9]{1,2})月 ?([0-9]{1,2})(?=[日号])")


def dates(folded: str) -> Iterator[str]:
    """Yield a term for each date of a folded text, and for its month and its day where it has them.

    2025-04-17, 17 April 2025, April 17, 2025, 2025年4月17日 and 17/04/2025 are one; 03/04/2025 may be two: none.
    """
    for year, month, day in _dates(folded):
        if 1 <= month <= 12 and day <= 31:
            yield from (f"{year}m{month}",) if year else ()
            yield from (f"m{month}d{day}",) if day else ()
            yield from (f"{year}m{month}d{day}",) if year and day else ()


def _dates(text: str) -> Iterator[tuple[int, int, int]]:
    """Yield (year, month, day) as they stand, 0 for what is not said."""
    if _HAS_DIGIT.search(text):
        yield from ((int(year), int(month), int(day or 0)) for year, month, day in _YEAR_FIRST.findall(text))
        yield from _with_names(text)
        yield from ((0, int(month), int(day)) for month, day in _NO_YEAR.findall(text))
        yield from _in_figures(text)


def _with_names(text: str) -> Iterator[tuple[int, int, int]]:
    yield from ((int(year or 0), _MONTHS[name], int(day)) for name, day, year in _MONTH_FIRST.findall(text))
    yield from ((int(year or 0), _MONTHS[name], int(day)) for day, name, year in _DAY_FIRST.findall(text))


def _in_figures(text: str) -> Iterator[tuple[int, int, int]]:
    for one, other, year in _FIGURES.findall(text):
        month, day = sorted((int(one), int(other)))
        if day > 12 or month == day:
            yield int(year), month, day


_HAS_DIGIT = re.compile("[0-9]")


def measures(folded: str) -> Iterator[str]:
    """Yield a term for each number with a unit: 5 kg, 5kg and 五公斤 are one."""
    for quantity in quantities(folded):
        if quantity.unit not in (None, "month name"):
            yield f"{quantity.value.normalize():f}{quantity.unit}"

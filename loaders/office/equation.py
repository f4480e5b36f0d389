"""Equations of Office (OMML) as a line of text, and what stands above or below the line: (a+b)/c, x², a_n, √(x+1)."""

from collections.abc import Callable
from typing import Any

Element = Any  # an lxml element; lxml ships no types

_ABOVE = str.maketrans("0123456789+-−=()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿ")
_BELOW = str.maketrans("0123456789+-−=()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎")
_FIRST_DEFAULT = {"begChr": "(", "endChr": ")", "sepChr": "|"}


def raised(text: str) -> str:
    """Write what stands above the line so that it isn't taken for more digits: 10³, 2^(n+k)."""
    return _moved(text, _ABOVE, "^")


def lowered(text: str) -> str:
    """Write what stands below the line: H₂O, a_(i,j)."""
    return _moved(text, _BELOW, "_")


def _moved(text: str, letters: dict[int, int], sign: str) -> str:
    inner = text.strip()
    if not inner:
        return text
    if all(ord(letter) in letters for letter in inner):
        return inner.translate(letters)
    return f"{sign}{inner}" if inner.isalnum() and (len(inner) == 1 or sign == "_") else f"{sign}({inner})"


def equation_text(element: Element) -> str:
    """Return an equation (`m:oMath`, or any part of one) as one line."""
    name = _name(element)
    if name == "t":
        return str(element.text or "")
    if name.endswith("Pr"):
        return ""
    form = _FORMS.get(name)
    return form(element) if form else "".join(map(equation_text, element.iterchildren("{*}*")))


def _name(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _part(element: Element, name: str) -> str:
    found = element.find(f"{{*}}{name}")
    return "" if found is None else equation_text(found)


def _grouped(text: str) -> str:
    """Put brackets around what is more than one name or number."""
    is_closed = text.startswith("(") and text.endswith(")") and text.find(")") == len(text) - 1
    return text if text.replace(".", "").isalnum() or is_closed else f"({text})"


def _setting(element: Element, name: str, default: str) -> str:
    found = element.find(f"{{*}}{_name(element)}Pr/{{*}}{name}")
    if found is None:
        return default
    return next((value for key, value in found.items() if key.rpartition("}")[2] == "val"), "")


def _fraction(element: Element) -> str:
    return f"{_grouped(_part(element, 'num'))}/{_grouped(_part(element, 'den'))}"


def _root(element: Element) -> str:
    degree = _part(element, "deg")
    return f"{raised(degree) if degree else ''}√{_grouped(_part(element, 'e'))}"


def _scripts(element: Element) -> str:
    base = _part(element, "e")
    return (base if len(base) < 2 or base.isalnum() else _grouped(base)) + _limits(element)


def _limits(element: Element) -> str:
    below, above = _part(element, "sub"), _part(element, "sup")
    return (lowered(below) if below else "") + (raised(above) if above else "")


def _nary(element: Element) -> str:
    return f"{_setting(element, 'chr', '∫')}{_limits(element)} {_part(element, 'e')}"


def _brackets(element: Element) -> str:
    first, last, between = (_setting(element, name, default) for name, default in _FIRST_DEFAULT.items())
    inner = f"{between} ".join(equation_text(each) for each in element.iterchildren("{*}e"))
    return f"{first}{inner}{last}"


def _function(element: Element) -> str:
    return f"{_part(element, 'fName')} {_grouped(_part(element, 'e'))}"


def _matrix(element: Element) -> str:
    rows = (", ".join(map(equation_text, row.iterchildren("{*}e"))) for row in element.iterchildren("{*}mr"))
    return f"[{'; '.join(rows)}]"


def _lines(element: Element) -> str:
    return "; ".join(map(equation_text, element.iterchildren("{*}e")))


def _under(element: Element) -> str:
    return f"{_part(element, 'e')}{lowered(_part(element, 'lim'))}"


def _over(element: Element) -> str:
    return f"{_part(element, 'e')}{raised(_part(element, 'lim'))}"


_FORMS: dict[str, Callable[[Element], str]] = {
    "f": _fraction,
    "rad": _root,
    "sSup": _scripts,
    "sSub": _scripts,
    "sSubSup": _scripts,
    "sPre": lambda element: _limits(element) + _part(element, "e"),
    "nary": _nary,
    "d": _brackets,
    "func": _function,
    "m": _matrix,
    "eqArr": _lines,
    "limLow": _under,
    "limUpp": _over,
}

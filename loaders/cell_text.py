"""Values of workbook cells as people read them."""

from datetime import date, datetime, time, timedelta

_DIGITS = 10  # after the point: what comes later is the noise of binary fractions
_LARGEST_WHOLE = 1e15


def cell_text(value: object, number_format: str = "General") -> str:
    """Return a cell's text: percentages with their sign, dates as 2024-01-31, numbers in full."""
    match value:
        case None:
            return ""
        case bool():
            return "TRUE" if value else "FALSE"
        case int() | float():
            return f"{number_text(value * 100)}%" if "%" in number_format else number_text(value)
        case datetime():
            return value.date().isoformat() if value.time() == time() else value.isoformat(" ", "seconds")
        case date():
            return value.isoformat()
        case time():
            return value.isoformat("seconds")
        case timedelta():
            return str(value)
    return str(value).strip()


def number_text(value: float) -> str:
    """Return a number without the point and zero that a whole one is stored with."""
    rounded = round(value, _DIGITS)
    is_whole = abs(rounded) < _LARGEST_WHOLE and rounded == int(rounded)
    return str(int(rounded)) if is_whole else repr(rounded)

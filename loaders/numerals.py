"""Numbers as lists write them."""

_ROMAN = (
    (1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"),
    (9, "ix"), (5, "v"), (4, "iv"), (1, "i"),
)  # fmt: skip
_CHINESE = "〇一二三四五六七八九"
_CHINESE_UNITS = ((100, "百"), (10, "十"))
_LARGEST = 999


def numeral(value: int, form: str) -> str:
    """Write a number in one of Word's formats; one that is not known is written in digits."""
    if not 0 < value <= _LARGEST:
        return str(value)
    match form:
        case "lowerLetter" | "upperLetter":
            letters = chr(ord("a") + (value - 1) % 26) * ((value - 1) // 26 + 1)
            return letters.upper() if form == "upperLetter" else letters
        case "lowerRoman" | "upperRoman":
            return _roman(value).upper() if form == "upperRoman" else _roman(value)
        case "decimalZero":
            return f"{value:02}"
        case "decimalEnclosedCircle" | "decimalEnclosedCircleChinese" if value <= 20:
            return chr(ord("①") + value - 1)
    return _chinese(value) if _is_chinese(form) else str(value)


def _is_chinese(form: str) -> bool:
    return form.startswith(("chineseCounting", "taiwaneseCounting", "japaneseCounting", "ideograph"))


def _roman(value: int) -> str:
    written = ""
    for size, letters in _ROMAN:
        count, value = divmod(value, size)
        written += letters * count
    return written


def _chinese(value: int) -> str:
    """Write 1 to 999 as it is spoken: 十二, 一百零三."""
    written, above = "", 0
    for size, unit in _CHINESE_UNITS:
        count, value = divmod(value, size)
        if count:
            written += ("" if count == 1 and size == 10 and not written else _CHINESE[count]) + unit
            above = size
    gap = "零" if above == 100 and 0 < value < 10 else ""
    return written + (gap + _CHINESE[value] if value else "")

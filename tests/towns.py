"""Documents of made-up towns, which give many clear questions."""

_SYLLABLES = ("bar", "kel", "mon", "tar", "vis", "dor", "lun", "pas", "rin", "zel")


def town_texts(first: int, last: int) -> dict[str, str]:
    """Return documents of made-up towns; no two share a name or a figure."""

    def name(number: int, end: str) -> str:
        return f"{_SYLLABLES[number % 10]}{_SYLLABLES[number // 10 % 10]}{end}".capitalize()

    return {
        f"town{i}": f"The {name(i, 'ova')} mill of {name(i, 'ia')} was built by {300 + 7 * i} workers of a guild. "
        f"The {name(i, 'burg')} dam on the {name(i, 'ino')} river was opened by farmers in {1700 + i}. "
        f"The {name(i, 'ette')} fair in {name(i, 'wick')} sells {5000 + 3 * i} baskets of pears to visitors."
        for i in range(first, last)
    }

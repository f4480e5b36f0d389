"""Foreign text inside labels, captions and headings, which Streamlit reads as Markdown."""

import re

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$&=])")
# Shortcuts of emoji and icons, addresses and mail are found after escapes are read: an unseen joiner parts them.
_SHORTCUT = re.compile(r"([:@])(?=\S)|(?<=\bwww)(?=\.)", re.IGNORECASE)
_JOINER = "\u2060"


def plain(text: str) -> str:
    """Return text that Markdown shows as it is, on one line."""
    parted = _SHORTCUT.sub(lambda found: found.group() + _JOINER, " ".join(text.split()))
    return _SPECIAL.sub(r"\\\1", parted)


def shortened(text: str, length: int) -> str:
    """Return text of at most so many characters, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"

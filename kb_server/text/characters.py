"""Which characters a text may hold, and which are written without spaces between words."""

import re
from itertools import chain, pairwise

_LINE_ENDS = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_UNWANTED = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u200b\u2060\ufeff\ufffe\uffff\ud800-\udfff]")
_BLANKS = re.compile(r"[^\S\n\u3000]+")

CJK = (
    "\u2e80-\u303f\u3040-\u312f\u3190-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef"
    "\U0001b000-\U0001b16f\U00020000-\U0003ffff"
)
"""Inside of a regular-expression class: Chinese and Japanese letters and punctuation. Hangul has word spaces."""

CJK_LETTERS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
"""Inside of a regular-expression class: letters of Chinese, Japanese and Korean, which are compared one by one."""

_CJK_CHARACTER = re.compile(f"[{CJK}]")


def clean(text: str) -> str:
    """Make every line end a newline and remove what is not text: NULs, controls, lone surrogates, soft hyphens."""
    return _UNWANTED.sub("", _LINE_ENDS.sub("\n", text))


def squeeze(text: str) -> str:
    """Make a run of blanks one space, also those that do not break; newlines and full-width spaces stay."""
    return _BLANKS.sub(" ", text).strip()


def joins_without_space(character: str) -> bool:
    """Tell whether lines are joined without a space beside this character."""
    return _CJK_CHARACTER.match(character) is not None


def unwrap(text: str) -> str:
    """Join the lines of a wrapped paragraph: with nothing between two CJK characters, else with a space."""
    lines = [line for part in text.split("\n") if (line := part.strip())]
    joints = [_joint(before[-1], after[0]) for before, after in pairwise(lines)]
    return "".join(chain.from_iterable(zip(lines, [*joints, ""], strict=False)))


def _joint(before: str, after: str) -> str:
    return "" if joins_without_space(before) and joins_without_space(after) else " "

"""Secrets and personal data taken out of a document's text before it is split, so that offsets count what is stored."""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from kb_server.core.domain import Block, Document, Redaction

_KEYS = (
    r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[^-]{1,20000}(?:-----END [A-Z ]{0,30}PRIVATE KEY-----)?"
    r"|\b(?:sk|pk|rk)[-_](?:[a-z]{2,8}[-_]){0,2}[A-Za-z0-9_-]{20,200}\b|\bAKIA[0-9A-Z]{16}\b|\bgh[opsur]_[A-Za-z0-9]{36,255}\b"
    r"|\bgithub_pat_\w{22,255}\b|\bxox[abprs]-[A-Za-z0-9-]{10,250}\b|\bAIza[A-Za-z0-9_-]{35}\b|\bhf_[A-Za-z0-9]{30,60}\b"
    r"|\beyJ[A-Za-z0-9_-]{10,2000}\.eyJ[A-Za-z0-9_-]{10,4000}\.[A-Za-z0-9_-]{10,2000}"
    r"|(?:(?<=password=)|(?<=api_key=)|(?<=secret=)|(?<=token=)"
    r"|(?<=password: )|(?<=api_key: )|(?<=secret: )|(?<=token: ))"
    r"[\"']?[^\s\"',;]{8,200}"
)
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"


@dataclass(frozen=True, slots=True)
class _Pattern:
    """What to look for, and a test that tells the real thing from any digits."""

    expression: re.Pattern[str]
    is_real: Callable[[str], bool] = bool

    def replace(self, text: str, mark: str) -> str:
        return self.expression.sub(lambda found: mark if self.is_real(found[0]) else found[0], text)


def redact(document: Document, kinds: Collection[Redaction]) -> Document:
    """Return the document with each find replaced by its kind in brackets; blocks and headings move along.

    Patterns are bounded, so the time is linear. The original file is kept as it came.
    """
    if not kinds:
        return document
    ordered = [kind for kind in Redaction if kind in kinds]
    parts: list[str] = []
    blocks: list[Block] = []
    read = length = 0
    for block in document.blocks:
        gap = document.text[read : block.start]
        body = redact_text(document.text[block.start : block.end], ordered)
        path = tuple(redact_text(title, ordered) for title in block.heading_path)
        start = length + len(gap)
        length = start + len(body)
        parts += [gap, body]
        blocks.append(replace(block, start=start, end=length, heading_path=path))
        read = block.end
    return replace(document, text="".join([*parts, document.text[read:]]), blocks=tuple(blocks))


def redact_text(text: str, kinds: Collection[Redaction]) -> str:
    """Return the text with what is found of these kinds replaced, in the order given."""
    for kind in kinds:
        text = _PATTERNS[kind].replace(text, f"[{kind.value}]")
    return text


def is_id_card(number: str) -> bool:
    """Check the last digit of a Chinese identity number (GB 11643-1999)."""
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, number, strict=False))
    return 1 <= int(number[10:12]) <= 12 and 1 <= int(number[12:14]) <= 31 and _CHECKS[total % 11] == number[17].upper()


def is_bank_card(number: str) -> bool:
    """Check the last digit of a card number (Luhn, ISO/IEC 7812-1)."""
    digits = [int(character) for character in number if character.isdecimal()]
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[-2::-2])
    return 13 <= len(digits) <= 19 and len(set(digits)) > 1 and (sum(doubled) + sum(digits[::-2])) % 10 == 0


_PATTERNS = {
    Redaction.KEY: _Pattern(re.compile(_KEYS)),
    Redaction.EMAIL: _Pattern(
        re.compile(r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}")
    ),
    Redaction.ID_CARD: _Pattern(re.compile(r"(?<![\dA-Za-z])[1-9][0-9]{16}[0-9Xx](?![\dA-Za-z])"), is_id_card),
    Redaction.BANK_CARD: _Pattern(re.compile(r"(?<![\d.-])[2-6](?:[ -]?[0-9]){12,18}(?![\d.-]?\d)"), is_bank_card),
    Redaction.PHONE: _Pattern(
        re.compile(
            r"(?<![\d.])(?:\+?86[ -]?)?1[3-9][0-9][ -]?[0-9]{4}[ -]?[0-9]{4}(?!\d)"
            r"|(?<![\w.])\+[1-9][0-9]{0,2}(?:[ .-]?\(?[0-9]{2,4}\)?){2,5}(?!\d)"
            r"|(?<![\w.])\(?[2-9][0-9]{2}\)?[ .-][2-9][0-9]{2}[ .-][0-9]{4}(?!\d)"
            r"|(?<![\d.])0[0-9]{2,3}-[0-9]{7,8}(?!\d)"
        )
    ),
}

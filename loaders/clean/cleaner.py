"""What is done to a document between loading and splitting."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

from kb_server.core.domain import Block, BlockKind, Document, Redaction
from kb_server.core.errors import LoadError
from loaders.clean.redaction import redact

_MOJIBAKE = re.compile(
    r"\ufffd|Ã[\u0080-\u00bf]|â€[\u0080-\u2122]?|ï¿½|锟斤拷|烫烫烫|屯屯屯|(?:[åæçèé][\u0080-\u00bf\u2018-\u203a]{2})"
    r"|[ã-ï][¡-ª¬-¶¸-º¼-¿]"  # Chinese whose control characters are gone
)

_LEADERS = ("....", "····", "……")

_PAGE_NUMBER = " 0123456789ivxlc"

_RULED = re.compile(r"[._·…―─—-]{4,}")  # leaders, and lines to write on

_LONG_RUN = re.compile(r"[A-Za-z0-9+/=_\\-]{120,}")

_PROSE = (BlockKind.PARAGRAPH, BlockKind.LIST)

_MOST_MOJIBAKE = 0.05  # of the characters

_FEWEST_MARKS = 3

_MOST_NOISE = 0.6

_MOST_CONTENTS = 0.5

_FEWEST_LINES = 10

_FEWEST_DIFFERENT = 0.2

_FEWEST_LETTERS = 0.2

_SHORT = 40  # characters; what is shorter may be a formula or a number

_LONGEST_BOILERPLATE = 100

_OFTEN = 4


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A document without the blocks that were set aside, and how many for each reason. Offsets stay as they were."""

    document: Document
    set_aside: dict[str, int]


def set_aside_low_quality(document: Document) -> Cleaned:
    """Take out blocks that hold no language: wrongly decoded text, binary data, one line over and over."""
    return _without(document, [_fault(document.text[block.start : block.end], block.kind) for block in document.blocks])


def set_aside_boilerplate(document: Document) -> Cleaned:
    """Take out the repetitions of short blocks that stand four times or more in a document; the first one stays."""
    texts = [" ".join(document.text[block.start : block.end].split()) for block in document.blocks]
    counts = Counter(texts)
    seen: set[str] = set()
    reasons: list[str | None] = []
    for block, text in zip(document.blocks, texts, strict=True):
        is_short = block.kind in _PROSE and len(text) <= _LONGEST_BOILERPLATE
        reasons.append("repeated boilerplate" if is_short and counts[text] >= _OFTEN and text in seen else None)
        seen.add(text)
    return _without(document, reasons)


def _without(document: Document, reasons: list[str | None]) -> Cleaned:
    kept: list[Block] = [block for block, reason in zip(document.blocks, reasons, strict=True) if reason is None]
    return Cleaned(replace(document, blocks=tuple(kept)), dict(Counter(filter(None, reasons))))


def _fault(text: str, kind: BlockKind) -> str | None:
    if kind not in _PROSE:
        return None
    marks = _MOJIBAKE.findall(text)
    if len(marks) >= _FEWEST_MARKS and sum(map(len, marks)) > _MOST_MOJIBAKE * len(text):
        return "wrongly decoded text"
    if sum(map(len, filter(_is_of_contents, text.split("\n")))) > _MOST_CONTENTS * len(text):
        return "lines of a table of contents"
    text = _RULED.sub("", text)
    if _is_noise(text):
        return "binary or meaningless characters"
    lines = text.split("\n")
    if len(lines) >= _FEWEST_LINES and len(set(lines)) < _FEWEST_DIFFERENT * len(lines):
        return "the same lines over and over"
    return None


def _is_noise(text: str) -> bool:
    runs = sum(map(len, _LONG_RUN.findall(text)))
    letters = sum(map(str.isalnum, text))
    return runs > _MOST_NOISE * len(text) or (len(text) > _SHORT and letters < _FEWEST_LETTERS * len(text))


def _is_of_contents(line: str) -> bool:
    """Tell a title, dots and a page's number."""
    title = line.rstrip(_PAGE_NUMBER)
    return len(title) < len(line) and title.replace(" ", "").endswith(_LEADERS)


@dataclass(frozen=True, slots=True)
class Cleaner:
    """Cleans documents; each step can be switched off. The text stays as it is, save for redaction."""

    boilerplate: bool = True
    low_quality: bool = True
    redactions: tuple[Redaction, ...] = ()

    def clean(self, document: Document) -> Cleaned:
        """Return what is worth splitting, and what was set aside; raises LoadError where nothing is left."""
        counts = Counter(document.set_aside)
        steps: list[Callable[[Document], Cleaned]] = []
        if self.low_quality:
            steps.append(set_aside_low_quality)
        if self.boilerplate:
            steps.append(set_aside_boilerplate)
        for step in steps:
            done = step(document)
            document = done.document
            counts.update(done.set_aside)
        if not document.blocks:
            raise LoadError(
                f"'{document.name}' holds only text that is of no use: {', '.join(counts)}.",
                "If that is wrong, set cleaning.low_quality to false.",
            )
        return Cleaned(redact(document, self.redactions), dict(counts))

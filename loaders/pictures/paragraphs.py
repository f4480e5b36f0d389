"""Lines read in a picture -> paragraphs."""

from collections.abc import Sequence

from kb_server.text.characters import unwrap
from loaders.pictures.ocr import OcrLine
from loaders.pictures.reading_order import Box

_NEAR = 0.9  # space between lines of a paragraph, in heights of a line
_SAME_HEIGHT = 0.35
_SAME_EDGE = 1.5  # how far left edges of a paragraph may differ, in heights of a line
_ROOM = 0.12  # how much of the widest line may stay free at the end of one that was wrapped
_SAME_ROW = 0.5
_CELL_GAP = " | "


def paragraphs(lines: Sequence[OcrLine]) -> list[str]:
    """Join lines, given in reading order, where one was wrapped into the next; parts of a row become one line.

    A line was wrapped if the next stands right below, in letters of the same size, and it had no room for more. A word
    divided at the end of a line is joined.
    """
    groups: list[list[OcrLine]] = []
    for line in lines:
        if groups and _continues(groups[-1], line):
            groups[-1].append(line)
        else:
            groups.append([line])
    return _rows([(_joined([line.text for line in group]), group[0].box, len(group)) for group in groups])


def _continues(group: Sequence[OcrLine], line: OcrLine) -> bool:
    before = group[-1].box
    height = min(before.height, line.box.height)
    gap = line.box.top - before.bottom
    right = max(*(each.box.right for each in group), line.box.right)
    left = min(*(each.box.left for each in group), line.box.left)
    return (
        -_SAME_ROW * height < gap < _NEAR * height
        and abs(before.height - line.box.height) < _SAME_HEIGHT * height
        and abs(before.left - line.box.left) < _SAME_EDGE * height
        and right - before.right < _ROOM * (right - left)
    )


def _joined(texts: Sequence[str]) -> str:
    joined = texts[0]
    for text in texts[1:]:
        divided = joined[-1:] == "-" and joined[-2:-1].isalpha() and text[:1].islower()
        joined = joined[:-1] + text if divided else f"{joined}\n{text}"
    return unwrap(joined)


def _rows(found: Sequence[tuple[str, Box, int]]) -> list[str]:
    """Put single lines that stand beside each other into one, as the cells of a row."""
    rows: list[str] = []
    last: Box | None = None
    for text, box, count in found:
        if last is not None and count == 1 and _beside(last, box):
            rows[-1] += _CELL_GAP + text
        else:
            rows.append(text)
        last = box if count == 1 else None
    return rows


def _beside(first: Box, second: Box) -> bool:
    shared = min(first.bottom, second.bottom) - max(first.top, second.top)
    return shared > _SAME_ROW * min(first.height, second.height) and second.left > first.right

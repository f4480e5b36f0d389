"""Blocks lie where the builder says."""

from hypothesis import given
from hypothesis import strategies as st

from kb_server.core.domain import BlockKind
from loaders.builder import DocumentBuilder

_TEXT = st.text(st.characters(), max_size=60) | st.text("ab 中，\n\t\r\x00\ud800。-", max_size=60)
_CALL = st.tuples(
    st.sampled_from(["heading", "paragraph", "lines", "items", "table", "code"]), _TEXT, st.integers(0, 6)
)


@given(st.lists(_CALL, max_size=12))
def test_blocks_are_ordered_disjoint_stripped_and_hold_the_whole_text(calls: list[tuple[str, str, int]]) -> None:
    builder = DocumentBuilder("x")
    for method, text, number in calls:
        match method:
            case "heading":
                builder.heading(number, text)
            case "items":
                builder.items(text.split("a"))
            case "table":
                builder.table([cell.split("b") for cell in text.split("a")])
            case _:
                getattr(builder, method)(text, page=number)
    document = builder.build()
    parts = [document.text[block.start : block.end] for block in document.blocks]
    assert "\n\n".join(parts) == document.text
    assert all(part and part == part.strip() for part in parts)
    document.text.encode("utf-8")


def test_heading_paths() -> None:
    builder = DocumentBuilder("x")
    for level, title in [(0, "Book"), (1, "One"), (3, "Deep"), (2, "Two"), (1, "Next")]:
        builder.heading(level, title)
    builder.paragraph("text")
    paths = [block.heading_path for block in builder.build().blocks]
    assert paths == [
        ("Book",),
        ("Book", "One"),
        ("Book", "One", "Deep"),
        ("Book", "One", "Two"),
        ("Book", "Next"),
        ("Book", "Next"),
    ]


def test_wrapped_lines_are_joined_and_nothing_odd_remains() -> None:
    builder = DocumentBuilder("x")
    builder.paragraph("two\r\nwords\x00 and \ud800中\n文")
    builder.lines("a  b\n\nc")
    builder.code("    if x:\n        y\n")
    document = builder.build()
    texts = [document.text[block.start : block.end] for block in document.blocks]
    assert texts == ["two words and 中文", "a b\nc", "if x:\n    y"]
    assert [block.kind for block in document.blocks] == [BlockKind.PARAGRAPH, BlockKind.PARAGRAPH, BlockKind.CODE]

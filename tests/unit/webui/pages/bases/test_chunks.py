"""Chunks put together to the text that they were cut from."""

from hypothesis import given
from hypothesis import strategies as st

from tests.ui.conftest import text
from webui.client.chunks import Chunk
from webui.pages.bases.documents import _text
from webui.safe.nodes import Node

WHOLE = "The owl sleeps in the barn. The cat hunts at night. The dog barks."


def _chunk(number: int, start: int, end: int, **more: object) -> Chunk:
    place = {"chunk_id": number, "document": "a.txt", "page": None, "heading_path": [], "start": start, "end": end}
    return Chunk.model_validate({**place, "text": WHOLE[start:end], **more})


def _marked(nodes: list[Node]) -> list[str]:
    (box,) = nodes
    assert not isinstance(box, str)
    return [text(child) for child in box["children"] if not isinstance(child, str) and child["tag"] == "mark"]


@st.composite
def _overlapping(draw: st.DrawFn) -> list[Chunk]:
    """Cut the text anywhere, each chunk beginning before the one before it ends."""
    ends = sorted({*draw(st.sets(st.integers(1, len(WHOLE) - 1), max_size=4)), len(WHOLE)})
    starts = [0, *(draw(st.integers(max(0, end - 9), end)) for end in ends[:-1])]
    return [_chunk(number, start, end) for number, (start, end) in enumerate(zip(starts, ends, strict=True))]


@given(_overlapping(), st.data())
def test_what_overlaps_is_shown_once_and_the_chosen_one_is_marked(chunks: list[Chunk], data: st.DataObject) -> None:
    chosen = data.draw(st.sampled_from(chunks))
    nodes = _text(chunks, chosen.chunk_id)
    assert text(nodes) == WHOLE
    assert "".join(_marked(nodes)) == chosen.text


def test_a_gap_between_chunks_is_an_empty_line() -> None:
    assert text(_text([_chunk(1, 0, 27), _chunk(2, 28, 52)], 1)) == f"{WHOLE[:27]}\n\n{WHOLE[28:52]}"


def test_of_an_edited_chunk_the_documents_own_wording_stands_in_the_text() -> None:
    edited = _chunk(1, 0, 27, text="Another wording.", original=WHOLE[:27], edited=True)
    assert text(_text([edited, _chunk(2, 27, 52)], 1)) == WHOLE[:52]


def test_a_chunk_within_another_is_marked_in_it() -> None:
    nodes = _text([_chunk(1, 0, 52), _chunk(2, 4, 7)], 2)
    assert (text(nodes), _marked(nodes)) == (WHOLE[:52], ["owl"])

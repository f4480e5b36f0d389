"""From text to tokens so that chunks end between them, and from tokens to windows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb_server.core.domain import Chunk
from kb_server.knnlm.datastore.texts import states, tokenised, windows
from tests.unit.knnlm.store import CountingModel

MODEL = CountingModel()


def _chunks(text: str, *ranges: tuple[int, int]) -> list[Chunk]:
    return [
        Chunk(id=number, document_id=1, document="a.txt", text=text[a:b], start=a, end=b, page=None, heading_path=())
        for number, (a, b) in enumerate(ranges, 1)
    ]


@st.composite
def _cut_texts(draw: st.DrawFn) -> tuple[str, list[tuple[int, int]]]:
    text = draw(st.text("ab \n", min_size=2, max_size=30).filter(lambda text: text.strip()))
    places = st.integers(0, len(text))
    ranges = draw(st.lists(st.tuples(places, places).map(lambda pair: (min(pair), max(pair))), min_size=1, max_size=4))
    return text, [(a, b) for a, b in ranges if text[a:b].strip()]


@given(_cut_texts())
def test_tokens_are_those_of_the_text_from_the_first_chunk_to_the_last(cut: tuple[str, list[tuple[int, int]]]) -> None:
    """In this model each character is a token, so places count characters."""
    text, ranges = cut
    found = tokenised(MODEL, text, _chunks(text, *ranges))
    if not ranges:
        assert found.ids == []
        return
    read = MODEL.decode(found.ids)
    assert read in text
    for (a, b), (_, first, last) in zip(ranges, found.chunks.tolist(), strict=True):
        assert text[a:b].strip() in read[first:last]
        assert read[first:last].strip() == text[a:b].strip()
    for place, character in found.spans.tolist():
        assert text[character : character + 1] == read[place : place + 1]


def test_the_space_before_a_word_belongs_to_the_word() -> None:
    found = tokenised(MODEL, "one two", _chunks("one two", (0, 3), (4, 7)))
    assert found.chunks.tolist() == [[1, 0, 3], [2, 3, 7]]
    assert found.spans.tolist() == [[0, 0], [3, 3]]


def test_overlapping_chunks_share_their_tokens() -> None:
    text = "aaaabbbbcccc"
    found = tokenised(MODEL, text, _chunks(text, (0, 8), (4, 12)))
    assert len(found.ids) == 12
    assert found.chunks.tolist() == [[1, 0, 8], [2, 4, 12]]


def test_no_chunks_no_tokens() -> None:
    found = tokenised(MODEL, "words", [])
    assert (found.ids, found.spans.shape, found.chunks.shape) == ([], (0, 2), (0, 3))


@given(st.lists(st.integers(1, 99), max_size=40), st.integers(2, 12), st.data())
def test_windows_make_every_token_new_once_with_its_context_before_it(
    ids: list[int], window: int, data: st.DataObject
) -> None:
    context = data.draw(st.integers(0, window - 1))
    read = list(windows(MODEL, ids, window, context))
    assert [id_ for part, new in read for id_ in part[len(part) - new :]] == ids
    done = 0
    for part, new in read:
        before = part[1 : len(part) - new]
        assert part[0] == 70_000
        assert before == ids[max(0, done - context) : done]
        assert len(part) - 1 <= window
        done += new


def test_from_a_later_window_on_only_the_rest_is_read() -> None:
    ids = list(range(20))
    assert list(windows(MODEL, ids, 8, 2, first=12)) == list(windows(MODEL, ids, 8, 2))[2:]


@pytest.mark.parametrize("window", [8, 64])
def test_states_are_those_before_each_token_whatever_the_window(window: int) -> None:
    """The model looks three tokens back, so a context of four hides nothing."""
    ids = [ord(character) for character in "the cat sat on the mat"]
    found = np.concatenate(list(states(MODEL, ids, window, 4)))
    assert np.allclose(found, MODEL.states([70_000, *ids], len(ids)), atol=1e-6)

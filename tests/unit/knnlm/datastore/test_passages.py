"""Rows of parts of chunks: those whose tokens lie there, and no others."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from kb_server.knnlm.datastore.passages import active_within
from tests.unit.knnlm.store import CountingModel, Shelf

TEXT = "Rivers rise in hills. Towns stand on them."


class PairsModel(CountingModel):
    """Two characters a token, so that a sentence may end within one."""

    def encode(self, text: str) -> list[int]:
        return [sum(256**n * ord(c) for n, c in enumerate(text[i : i + 2])) for i in range(0, len(text), 2)]

    def decode(self, ids: Sequence[int]) -> str:
        return "".join("".join(chr(part) for part in (id_ % 256, id_ // 256) if part) for id_ in ids)


@pytest.mark.parametrize("model", [CountingModel(), PairsModel()])
@pytest.mark.parametrize(("start", "end"), [(0, 21), (22, 42), (22, 31), (0, 42), (41, 42)])
def test_rows_are_those_of_the_words(tmp_path: Path, model: CountingModel, start: int, end: int) -> None:
    shelf = Shelf(tmp_path, model)
    shelf.put(1, "Something else before. ")
    shelf.put(2, f"A line. {TEXT} A line.", [(0, 8), (8, 8 + len(TEXT)), (8 + len(TEXT), 16 + len(TEXT))])
    shelf.build()
    store = shelf.open()
    chunk = shelf.documents[2][1][1]
    active = active_within(store, model.decode, [(chunk, start, end)])
    text = model.decode(store.tokens[active.rows].tolist())
    assert TEXT[start:end] in text
    assert len(text) <= end - start + 2 * (len(model.decode(store.tokens[:1].tolist())) - 1)
    assert set(active.owners.tolist()) == {chunk.id}
    assert np.isin(active.rows, store.active([chunk.id]).rows).all()


def test_parts_are_joined_and_what_is_not_stored_has_no_rows(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.put(1, TEXT)
    shelf.build()
    store, (first, second, *_) = shelf.open(), shelf.documents[1][1]
    spans = [(second, 0, 4), (first, 2, 10), (first, 0, 5)]
    active = active_within(store, shelf.model.decode, spans)
    assert shelf.model.decode(store.tokens[active.rows].tolist()) == TEXT[:14]
    assert [active.owner(int(row)) for row in active.rows] == [first.id] * 10 + [second.id] * 4
    shelf.put(2, "Not read yet.")
    assert not len(active_within(store, shelf.model.decode, [(shelf.documents[2][1][0], 0, 5)]).rows)
    assert not len(active_within(store, shelf.model.decode, []).rows)

"""Chunks as the page reads, rewords and hides them."""

import pytest

from tests.unit.webui.client.conftest import put
from webui.client.errors import NotThere
from webui.client.service import Service


def test_a_documents_chunks_come_in_reading_order_a_page_at_a_time(service: Service, base: str) -> None:
    put(service, base, **{"a.txt": "\n\n".join(f"Paragraph {n} is about owl number {n}. " * 20 for n in range(8))})
    (document,) = service.documents(base).all()
    chunks, total = service.chunks(base).of(document.id, 1000, 0)
    assert len(chunks) == total > 3
    assert [one.start for one in chunks] == sorted(one.start for one in chunks)
    page, again = service.chunks(base).of(document.id, 2, 1)
    assert ([one.chunk_id for one in page], again) == ([one.chunk_id for one in chunks[1:3]], total)


def test_one_is_reworded_and_gets_its_own_wording_back(service: Service, base: str) -> None:
    put(service, base, **{"a.txt": "The owl sleeps."})
    (document,) = service.documents(base).all()
    ((chunk,), _) = service.chunks(base).of(document.id, 10, 0)
    service.chunks(base).edit(chunk.chunk_id, "The owl is awake.")
    ((edited,), _) = service.chunks(base).of(document.id, 10, 0)
    assert (edited.text, edited.edited, edited.original) == ("The owl is awake.", True, "The owl sleeps.")
    service.chunks(base).revert(edited.chunk_id)
    ((back,), _) = service.chunks(base).of(document.id, 10, 0)
    assert (back.text, back.edited, back.original) == ("The owl sleeps.", False, None)


def test_one_is_taken_out_of_search_and_put_back(service: Service, base: str) -> None:
    put(service, base, **{"a.txt": "The owl sleeps."})
    (document,) = service.documents(base).all()
    ((chunk,), _) = service.chunks(base).of(document.id, 10, 0)
    service.chunks(base).disable(chunk.chunk_id)
    ((hidden,), _) = service.chunks(base).of(document.id, 10, 0)
    assert hidden.disabled
    assert service.search.find([base], "owl", 5) == []
    service.chunks(base).restore(hidden.chunk_id)
    (hit,) = service.search.find([base], "owl", 5)
    assert service.chunks(base).find(hit.chunk_id).text == "The owl sleeps."
    with pytest.raises(NotThere):
        service.chunks(base).find(10**9)

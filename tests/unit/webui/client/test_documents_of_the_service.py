"""Documents as the page uploads, lists, tags and removes them."""

from pathlib import Path

import pytest

from tests.unit.loaders.pdf.writer import write_pdf
from tests.unit.webui.client.conftest import Files, finished, put
from webui.client.errors import NotThere
from webui.client.service import Service


def test_they_are_uploaded_listed_and_removed(service: Service, base: str) -> None:
    files: Files = {"a.txt": "The owl sleeps.", "b.md": "# Cats\n\nThe cat hunts.", "c.bin": b"\x7fELF\0"}
    job = put(service, base, **files)
    assert (job.total, job.settled, job.files["done"], job.files["failed"]) == (3, 3, 2, 1)
    assert {file.name: file.state for file in job.details}["c.bin"] == "failed"
    documents = service.documents(base)
    found = {one.name: one for one in documents.all()}
    assert set(found) == {"a.txt", "b.md"}
    assert (found["a.txt"].state, found["a.txt"].chunks, found["a.txt"].size) == ("indexed", 1, 15)
    assert documents.original(found["b.md"].id) == b"# Cats\n\nThe cat hunts."
    assert documents.named("b.md") == found["b.md"]
    assert documents.named("none.txt") is None
    documents.delete(found["a.txt"].id)
    assert [one.name for one in documents.all()] == ["b.md"]
    with pytest.raises(NotThere):
        documents.original(found["a.txt"].id)


def test_tags_stand_in_place_of_those_before(service: Service, base: str) -> None:
    put(service, base, **{"a.txt": "The owl sleeps."})
    documents = service.documents(base)
    (one,) = documents.all()
    documents.tag(one.id, ["birds", "夜"])
    assert documents.tags() == ["birds", "夜"]
    documents.tag(one.id, ["birds"])
    assert documents.all()[0].tags == ("birds",)


def test_a_page_of_a_pdf_is_a_picture_and_of_a_text_there_is_none(service: Service, base: str, tmp_path: Path) -> None:
    write_pdf(tmp_path / "a.pdf", [[(10, 72, 700, "The owl sleeps in the barn all day.")]])
    files: Files = {"a.pdf": (tmp_path / "a.pdf").read_bytes(), "b.txt": "The cat hunts."}
    put(service, base, **files)
    documents = service.documents(base)
    ids = {one.name: one.id for one in documents.all()}
    assert (documents.picture(ids["a.pdf"], 1, "owl sleeps") or b"")[:4] == b"\x89PNG"
    assert documents.picture(ids["b.txt"], 1, "cat") is None
    assert documents.picture(ids["a.pdf"], 7, "owl") is None


def test_an_address_of_this_machine_is_not_fetched(service: Service, base: str) -> None:
    job = finished(service, service.documents(base).fetch(["http://127.0.0.1/"], 0))
    (page,) = job.details
    assert (page.name, page.state) == ("http://127.0.0.1/", "failed")
    assert "127.0.0.1" in (page.reason or "")
    assert service.documents(base).all() == []

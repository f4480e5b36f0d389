"""The table of a base's documents."""

import pytest

from tests.ui.fake_service import NOW, FakeService
from tests.unit.webui.conftest import Draw
from webui.client.documents import Document
from webui.pages.bases.documents import _cells, _matches
from webui.shell.phrases import Say


def _document(name: str, **more: object) -> Document:
    known = {"id": 1, "name": name, "state": "indexed", "pages": 2, "chunks": 5, "sha256": "0", "error": None}
    return Document.model_validate({**known, **more})


def test_columns_are_there_where_something_is_in_them() -> None:
    plain = _cells(Say("en"), [_document("a.txt")])
    assert list(plain) == ["name", "state", "pages", "chunks", "size", "added"]
    full = _cells(Say("en"), [_document("a.txt", tags=("x",)), _document("b.txt", state="failed", error="Locked.")])
    assert full["tags"] == [["x"], []]
    assert full["error"] == ["", "Locked."]


@pytest.mark.parametrize(("size", "shown"), [(None, None), (0, 0.1), (50, 0.1), (1500, 1.5), (2_000_000, 2000)])
def test_sizes_are_thousands_of_bytes_and_never_nothing(size: int | None, shown: float | None) -> None:
    assert _cells(Say("en"), [_document("a.txt", size=size)])["size"] == [shown]


def test_when_a_document_came_in_is_by_the_readers_clock() -> None:
    (added,) = _cells(Say("en"), [_document("a.txt", added=NOW)])["added"]
    assert added.tzinfo is None


@pytest.mark.parametrize(
    ("wanted", "found"), [("", True), ("manual", True), ("安全", True), ("other", False), ("MANUAL".casefold(), True)]
)
def test_names_and_tags_are_looked_in(wanted: str, found: bool) -> None:
    assert _matches(_document("docs/Manual.pdf", tags=("安全",)), wanted) is found


def _script(url: str) -> None:
    from tests.unit.webui.drawing import visit_of
    from webui.pages.bases.documents import draw

    visit = visit_of(url)
    draw(visit, visit.service.bases.all()[0])


def test_the_table_narrows_to_what_is_typed(draw: Draw, fake: FakeService) -> None:
    fake.add_document("owl.txt")
    fake.add_document("cat.txt", state="failed", error="Locked.")
    page = draw(_script, fake.url)
    assert list(page.dataframe[0].value["name"]) == ["owl.txt", "cat.txt"]
    page.text_input[0].set_value("CAT").run()
    assert list(page.dataframe[0].value["name"]) == ["cat.txt"]
    assert "1" in page.caption[0].value


def test_an_empty_base_says_so(draw: Draw, fake: FakeService) -> None:
    page = draw(_script, fake.url)
    assert len(page.info) == 1
    assert not page.dataframe

"""Documents as the page asks for them."""

from collections.abc import Iterator

import pytest

from tests.ui.fake_service import FakeService
from webui.client.service import Service


@pytest.fixture
def fake() -> Iterator[FakeService]:
    made = FakeService()
    yield made
    made.close()


def test_one_is_asked_for_by_its_name_alone(fake: FakeService) -> None:
    for number in range(5):
        fake.add_document(f"{number}.txt")
    fake.add_document("3.txt", state="pending")
    documents = Service(fake.url, "key").documents("handbook")
    found = documents.named("3.txt")
    assert found is not None
    assert (found.id, found.state) == (4, "indexed"), "the version that is searched"
    assert documents.named("other.txt") is None
    assert len(fake.calls) == 2


def test_a_version_on_its_way_is_found_where_there_is_no_other(fake: FakeService) -> None:
    fake.add_document("new.txt", state="pending")
    found = Service(fake.url, "key").documents("handbook").named("new.txt")
    assert found is not None
    assert found.state == "pending"


def test_every_document_is_listed(fake: FakeService) -> None:
    for number in range(3):
        fake.add_document(f"{number}.txt")
    listed = Service(fake.url, "key").documents("handbook").all()
    assert [one.name for one in listed] == ["0.txt", "1.txt", "2.txt"]


def test_a_page_that_is_not_there_has_no_picture(fake: FakeService) -> None:
    place = "/api/v1/knowledge-bases/handbook/documents/1/pages/3"
    documents = Service(fake.url, "key").documents("handbook")
    assert (documents.picture(1, 3, "quote") or b"").startswith(b"\x89PNG")
    fake.refusals[("GET", place)] = (404, "not_found", "It is gone.")
    assert documents.picture(1, 3, "quote") is None

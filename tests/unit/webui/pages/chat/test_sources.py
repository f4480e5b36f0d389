"""What a click on a citation costs: at most two requests, also in a conversation that was kept long ago."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.ui.browser import idle, needs_browser, page_over
from tests.ui.fake_service import NOW, QUOTE, FakeService, answer, hit, turn

pytestmark = needs_browser

BASE = "/api/v1/knowledge-bases/handbook"
PICTURE = ("GET", f"{BASE}/documents/1/pages/3")
CHUNK = {**hit(1, "device.pdf"), "document_id": 1}


def kept(**more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Return a conversation whose answer cites page 3 of a PDF."""
    found = answer(hits=[hit(1, "device.pdf")])
    found["citations"][0] |= {"document": "device.pdf"} | more.pop("citation", {})
    said = {**turn(1, "assistant", found["answer"]), "answer": found | more}
    messages = [turn(0, "user", "How long does it take?"), said]
    return {"title": "Reset", "created": NOW, "knowledge_bases": ["handbook"], "messages": messages}


@pytest.fixture(scope="module")
def service() -> Iterator[FakeService]:
    made = FakeService()
    made.add_document("device.pdf", pages=9)
    made.canned[("GET", f"{BASE}/chunks/1")] = CHUNK
    conversations = {
        "new": kept(citation={"document_id": 1}, hits=[CHUNK]),
        "old": kept(),
        "older": kept(hits=[]),
        "gone": kept(hits=[], citation={"chunk_id": 2}),
    }
    made.conversations |= {id_: {"id": id_, **one} for id_, one in conversations.items()}
    yield made
    made.close()


@pytest.fixture(scope="module")
def address(service: FakeService) -> Iterator[str]:
    with page_over(service.url) as address:
        yield address


@pytest.mark.parametrize(
    ("conversation", "calls"),
    [
        ("new", [PICTURE]),
        ("old", [("GET", f"{BASE}/documents"), PICTURE]),
        ("older", [("GET", f"{BASE}/chunks/1"), PICTURE]),
        ("gone", [("GET", f"{BASE}/chunks/2")]),
    ],
)
def test_a_click_makes_at_most_two_requests(
    browser: Browser, service: FakeService, address: str, conversation: str, calls: list[tuple[str, str]]
) -> None:
    page = browser.new_page()
    page.goto(f"{address}/?c={conversation}")
    page.locator("button.cite").first.wait_for()
    idle(page)
    service.calls.clear()
    page.locator("button.cite").first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator("mark")).to_have_text(QUOTE)
    if PICTURE in calls:
        expect(dialog.locator("img")).to_be_visible()
    expect(dialog.get_by_test_id("stDownloadButton")).to_be_visible()
    idle(page)
    assert [(method, path) for method, path, _ in service.calls] == calls
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    page.locator("button.cite").first.click()
    expect(dialog.locator("mark")).to_be_visible()  # it opens as often as it is clicked
    page.context.close()

"""Scripts in names, texts and answers: nothing of them runs, nothing is fetched, no link is made."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.ui.browser import chat_box, go_to, idle, needs_browser, page_over, tab
from tests.ui.fake_service import NOW, FakeService, answer, hit, turn
from tests.ui.payloads import PAYLOADS

pytestmark = needs_browser

PLACE = "/api/v1/knowledge-bases/handbook"
PROBE = """() => {
  const every = (root, rule) => [...root.querySelectorAll('*')].flatMap(
    (one) => [...(one.matches(rule) ? [one] : []), ...(one.shadowRoot ? every(one.shadowRoot, rule) : [])]);
  const main = document.querySelector('.stMain');
  const links = every(document, 'a[href]').map((one) => one.href).filter((url) => !url.startsWith(location.origin));
  const made = every(main, 'script, iframe, object, embed, meta, link, [onerror], [onload], [onfocus], [ontoggle]');
  return { ran: window.ran ?? null, links, made: made.length };
}"""


def found_twice(payload: str) -> dict[str, Any]:
    other = {"chunk_id": 2, "document": payload, "start": 0, "end": 1, "page": 1, "heading_path": [payload]}
    return {**hit(1, payload, payload), "also": [other]}


@pytest.fixture(scope="module")
def hostile() -> Iterator[FakeService]:
    """Return a service where every name and text is a payload."""
    service = FakeService()
    for number, payload in enumerate(PAYLOADS, 1):
        service.add_base(payload, documents=1)
        service.add_document(payload, state="failed", error=payload, chunks=0, tags=[payload])
        found = answer(f"{payload}[1]", mode="generate", notes=[payload], hits=[found_twice(payload)])
        found["citations"][0] |= {
            "document": payload,
            "quote": payload,
            "supported": False,
            "start": 0,
            "end": len(payload),
        }
        question = {**turn(2 * number, "user", payload), "id": f"q{number}"}
        said = {**turn(2 * number + 1, "assistant", found["answer"]), "id": f"a{number}", "answer": found}
        kept = {"title": payload, "created": NOW, "knowledge_bases": ["handbook"], "messages": []}
        service.conversations[f"c{number}"] = {"id": f"c{number}", **kept}
        service.conversations["c1"]["messages"] += [question, said]
    shots = [{"name": payload, "created": NOW, "documents": 1, "chunks": 1} for payload in PAYLOADS]
    service.canned[("GET", f"{PLACE}/snapshots")] = {"snapshots": shots}
    cases = [{"id": 1 + n, "question": payload, "kind": payload} for n, payload in enumerate(PAYLOADS)]
    service.canned[("GET", f"{PLACE}/cases")] = {"cases": cases, "total": len(cases)}
    yield service
    service.close()


@pytest.fixture(scope="module")
def address(hostile: FakeService) -> Iterator[str]:
    """Return the page over it."""
    with page_over(hostile.url) as address:
        yield address


def _ours(url: str) -> bool:
    return url.startswith(("http://127.0.0.1", "data:", "blob:"))


def looked_at(page: Page, elsewhere: list[str]) -> None:
    """Check that nothing ran, nothing was fetched from elsewhere, nothing but text was made."""
    idle(page)
    page.wait_for_timeout(300)  # time to run, for what should not
    found = page.evaluate(PROBE)
    assert {name: found[name] for name in ("ran", "links", "made")} == {"ran": None, "links": [], "made": 0}
    assert elsewhere == []


def test_twenty_payloads_do_nothing_anywhere(browser: Browser, address: str) -> None:
    page = browser.new_page()
    elsewhere: list[str] = []
    page.on("request", lambda asked: None if _ours(asked.url) else elsewhere.append(asked.url))
    page.on("dialog", lambda dialog: elsewhere.append(dialog.message))
    page.goto(f"{address}/?c=c1")
    expect(page.locator("button.cite")).to_have_count(len(PAYLOADS))
    idle(page)
    expect(page.locator(".st-key-hits_a20_1 .inert, .st-key-text_q20 .inert")).to_have_count(2)
    shown = " ".join(" ".join(page.locator(".inert").all_inner_texts()).split())
    for payload in PAYLOADS:
        assert " ".join(payload.split()) in shown, "it is shown as it was written"
    looked_at(page, elsewhere)
    page.locator("button.cite").first.click()
    expect(page.get_by_role("dialog").locator("mark")).to_have_text(PAYLOADS[0])
    looked_at(page, elsewhere)
    page.keyboard.press("Escape")
    for title, tabs in (("Knowledge bases", ("Snapshots", "Documents")), ("Evaluation", ("Questions",))):
        go_to(page, title)
        for name in tabs:
            tab(page, name)
            looked_at(page, elsewhere)
    go_to(page, "Chat")
    expect(chat_box(page)).to_be_visible()


def test_the_page_may_load_nothing_from_elsewhere(address: str) -> None:
    headers = httpx.get(address).headers
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "object-src 'none'" in policy
    assert headers["x-frame-options"] == "DENY"

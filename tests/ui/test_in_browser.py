"""The page in a real browser, before the real service."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.ui.browser import (
    PageServer,
    ask,
    chat_box,
    go_to,
    idle,
    needs_browser,
    picture,
    put_files,
    running,
    sign_in,
    sign_out,
    tab,
    visit,
)
from tests.ui.ways import answer, new_chat, unfold

pytestmark = needs_browser

NAMELESS = """() => {
  const every = (root) => [...root.querySelectorAll('*')].flatMap(
    (one) => [one, ...(one.shadowRoot ? every(one.shadowRoot) : [])]);
  const text = (id) => document.getElementById(id)?.innerText ?? '';
  const name = (one) => [
    one.getAttribute('aria-label'), one.title, one.alt, one.innerText,
    ...(one.getAttribute('aria-labelledby') ?? '').split(' ').map(text),
    ...[...(one.labels ?? [])].map((label) => label.innerText),
  ].join('').trim();
  const control = 'button, a[href], input:not([type=hidden]), textarea, img, [role=button], [role=combobox]';
  return every(document)
    .filter((one) => one.matches(control) && !one.closest('[aria-hidden=true]'))
    .filter((one) => one.checkVisibility({ visibilityProperty: true }) && !name(one))
    .map((one) => one.outerHTML.slice(0, 200));
}"""
FOCUSED = """(wanted) => {
  let one = document.activeElement;
  while (one?.shadowRoot?.activeElement) one = one.shadowRoot.activeElement;
  return one?.matches(wanted) ?? false;
}"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageServer]:
    with running(tmp_path_factory.mktemp("page") / "home") as server:
        yield server


@pytest.fixture(scope="module")
def page(browser: Browser, server: PageServer) -> Iterator[Page]:
    """Return a window where somebody is signed in; the tests go on in it one after the other."""
    page = visit(browser, server)
    sign_in(page, server.key)
    yield page
    page.context.close()


def test_an_answer_has_a_citation_that_opens_with_the_quote_marked(page: Page) -> None:
    ask(page, "How do I reset the device?")
    page.locator("button.cite").first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator("mark")).to_contain_text("red button")
    expect(dialog.get_by_text("device.txt").first).to_be_visible()
    idle(page)
    picture(page, "citation")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_a_refresh_keeps_who_i_am_and_what_was_said(page: Page) -> None:
    page.reload()
    expect(page.get_by_test_id("stChatMessage")).to_have_count(2)
    expect(page.get_by_test_id("stChatMessage").first).to_contain_text("How do I reset the device?")
    cookies = {cookie["name"]: cookie for cookie in page.context.cookies()}
    assert cookies["kb_page"]["httpOnly"]
    assert not any("kb_" in cookie["value"] for cookie in cookies.values()), "no key in the browser"


def test_the_language_is_switched(page: Page) -> None:
    page.get_by_test_id("stSidebar").get_by_text("中文").click()
    expect(page.get_by_test_id("stTopNavLink").first).to_contain_text("对话")
    idle(page)
    assert page.evaluate("document.documentElement.lang") == "zh-CN", "for readers aloud"
    picture(page, "chat-zh")
    page.reload()
    expect(page.get_by_test_id("stTopNavLink").first).to_contain_text("对话")
    idle(page)
    page.get_by_test_id("stSidebar").get_by_text("English").click()
    expect(page.get_by_test_id("stTopNavLink").first).to_contain_text("Chat")


def test_a_file_is_uploaded_and_found(page: Page) -> None:
    go_to(page, "Knowledge bases")
    tab(page, "Add")
    put_files(page, ("owl.txt", "text/plain", b"The owl of the lighthouse is called Minerva."))
    page.get_by_role("button", name="Add 1 file").click()
    expect(page.get_by_text("1 of 1 files")).to_be_visible()
    new_chat(page)
    ask(page, "What is the owl of the lighthouse called?")
    expect(answer(page)).to_contain_text("Minerva")


def test_every_control_has_a_name_that_can_be_read_aloud(page: Page) -> None:
    for title, heading in (("Knowledge bases", "handbook"), ("Evaluation", "handbook"), ("System", "System")):
        go_to(page, title)
        page.get_by_role("heading", name=heading).wait_for()
        for place in range(page.get_by_role("tab").count()):
            page.get_by_role("tab").nth(place).click()
            idle(page)
            assert page.evaluate(NAMELESS) == [], title
    go_to(page, "Chat")
    chat_box(page).wait_for()
    unfold(page, "More settings")
    assert page.evaluate(NAMELESS) == [], "Chat"


def test_by_keyboard_alone_a_question_is_asked_and_its_source_opened(page: Page) -> None:
    page.get_by_role("button", name="New chat").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("stChatMessage")).to_have_count(0)
    idle(page)
    chat_box(page).focus()
    page.keyboard.type("How do I reset the device?")
    page.keyboard.press("Enter")
    page.locator("button.cite").first.wait_for()
    idle(page)
    _tab_to(page, "button.cite")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.locator("mark")).to_contain_text("lamp turns green")  # of the last sentence
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def _tab_to(page: Page, wanted: str) -> None:
    """Go back from the chat box with the keyboard until what is wanted is in focus."""
    for _ in range(30):
        page.keyboard.press("Shift+Tab")
        if page.evaluate(FOCUSED, wanted):
            return
    raise AssertionError(f"{wanted} is not reached by the keyboard")


def test_what_was_chosen_is_there_again_after_another_page(page: Page) -> None:
    side = page.get_by_test_id("stSidebar")
    search = side.get_by_role("radio", name="Search")
    side.get_by_text("Search", exact=True).click()
    expect(search).to_be_checked()
    idle(page)
    go_to(page, "Knowledge bases")
    go_to(page, "Chat")
    expect(search).to_be_checked()
    side.get_by_text("Quote", exact=True).click()
    idle(page)


def test_signing_out_forgets(page: Page) -> None:
    sign_out(page)
    page.reload()
    page.locator("input[type=password]").wait_for()
    expect(chat_box(page)).to_have_count(0)


def test_the_page_stops_with_the_service(server: PageServer) -> None:
    assert server.stop() == 0
    import httpx

    with pytest.raises(httpx.ConnectError):
        httpx.get(server.page_url)

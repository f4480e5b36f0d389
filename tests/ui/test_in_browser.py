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
from tests.ui.ways import answer, new_chat

pytestmark = needs_browser


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
    picture(page, "chat-zh")
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

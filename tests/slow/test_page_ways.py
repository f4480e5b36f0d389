"""The page in a browser, from end to end: a base moved, fetched into, carried elsewhere; files and agents asked."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.api.conftest import HANDBOOK
from tests.models.tool_calling_server import ToolCallingServer, returned, serving
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
    visit,
)
from tests.ui.ways import answer, answer_by, fill, look_after, new_chat, pick, pick_too, unfold

pytestmark = [needs_browser, pytest.mark.slow]
pytest.importorskip("langchain_openai", reason="needs the extra `agent`")

JOB = 240_000  # milliseconds that a job may take on a busy machine


@pytest.fixture(scope="module")
def model() -> Iterator[ToolCallingServer]:
    """Return a language model that does what a test says."""
    with serving() as made:
        yield made


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, model: ToolCallingServer) -> Iterator[PageServer]:
    settings = {"KB_GENERATION__BACKEND": "langchain", "KB_GENERATION__MODEL": "m", "KB_GENERATION__URL": model.url}
    with running(tmp_path_factory.mktemp("page") / "home", documents=False, **settings) as server:
        yield server


@pytest.fixture
def page(browser: Browser, server: PageServer) -> Iterator[Page]:
    """Return a window of somebody who has just signed in."""
    page = visit(browser, server)
    sign_in(page, server.key)
    yield page
    page.context.close()


def test_a_base_is_made_and_described(page: Page) -> None:
    go_to(page, "Knowledge bases")
    page.get_by_role("button", name="New knowledge base").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox", name="Name").fill("Rules")
    dialog.get_by_role("textbox", name="What it is about").fill("Rules for *travel*")
    dialog.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", name="Rules", exact=True)).to_be_visible()
    expect(page.get_by_text("Rules for *travel*")).to_be_visible()
    page.locator(".st-key-describe_base").get_by_role("button").click()
    dialog.get_by_role("textbox", name="What it is about").fill("Rules for travel, 2026")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Rules for travel, 2026")).to_be_visible()
    picture(page, "described")


def test_a_document_is_tagged_and_asked_by_its_tag(page: Page, server: PageServer) -> None:
    fill(server, "Tagged", {"old.txt": "The gate closes at nine.", "new.txt": "The gate closes at ten."})
    page.reload()
    look_after(page, "Tagged", "Documents")
    page.locator(".dvn-scroller").first.click(position={"x": 15, "y": 52})
    expect(page.get_by_role("heading", name="new.txt")).to_be_visible()
    idle(page)
    field = page.locator("[class*=st-key-tags_Tagged]")
    field.get_by_role("combobox").fill("current")
    page.get_by_role("option").filter(has_text="current").wait_for()  # what Enter takes
    field.get_by_role("combobox").press("Enter")
    expect(field.get_by_text("current")).to_be_visible()
    idle(page)
    _wait_for_tag(page, server)
    picture(page, "tagged")
    new_chat(page, "Tagged")
    unfold(page, "More settings")
    pick_too(page, "panel_tags", "current")
    ask(page, "When does the gate close?")
    expect(answer(page)).to_contain_text("ten")
    expect(answer(page)).not_to_contain_text("nine")
    picture(page, "asked-by-tag")


def _wait_for_tag(page: Page, server: PageServer) -> None:
    """Wait until the service has it: the page shows it before it is sent."""
    with server.client() as client:
        for _ in range(100):
            if "current" in client.get("/api/v1/knowledge-bases/Tagged/tags").text:
                return
            page.wait_for_timeout(200)
    raise AssertionError("the tag was not stored")


def test_other_places_of_a_cited_passage_are_listed(page: Page, server: PageServer) -> None:
    text = "The lighthouse keeper of Gullhaven is Ida Moen, and she has kept the light since the spring of 1987."
    fill(server, "Twice", {"letter.txt": text, "report.txt": text})
    page.reload()
    new_chat(page, "Twice")
    ask(page, "Who is the lighthouse keeper of Gullhaven?")
    page.locator("button.cite").last.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("The same words stand here too")).to_be_visible()
    for name in ("letter.txt", "report.txt"):
        expect(dialog.get_by_text(name).first).to_be_visible()
    picture(page, "other-places")


def test_two_bases_give_one_answer(page: Page, server: PageServer) -> None:
    fill(server, "Pumps", {"pumps.txt": "Old pumps are kept in box K7 below the stairs."})
    fill(server, "Filters", {"filters.txt": "New filters are kept in cabinet B12 beside the door."})
    page.reload()
    new_chat(page, "Pumps")
    pick_too(page, "panel_also", "Filters")
    ask(page, "Where are new filters kept, and where are old pumps kept?")
    expect(answer(page)).to_contain_text("K7")
    expect(answer(page)).to_contain_text("B12")
    page.get_by_role("button", name="filters.txt").first.click()
    expect(page.get_by_role("dialog").get_by_test_id("stCaptionContainer").first).to_contain_text("Filters")
    picture(page, "two-bases")


def test_a_base_moves_to_another_store_and_back(page: Page, server: PageServer) -> None:
    fill(server, "Mover", HANDBOOK)
    page.reload()
    look_after(page, "Mover", "Manage")
    for store in ("milvus", "faiss"):
        pick(page, "store_Mover", store)
        page.locator(".st-key-migrate").get_by_role("button").click()
        expect(page.get_by_text("move to another store").first).to_be_visible()
        expect(page.locator(".st-key-base_head").get_by_text(store).first).to_be_visible(timeout=JOB)
        expect(page.get_by_test_id("stProgress")).to_have_count(0)
        idle(page)
        picture(page, f"migrate-{store}")
    new_chat(page, "Mover")
    ask(page, "How do I reset the device?")
    expect(answer(page)).to_contain_text("red button")


def test_an_address_that_is_not_public_is_refused_with_the_reason(page: Page, server: PageServer) -> None:
    fill(server, "Web", {})
    page.reload()
    look_after(page, "Web", "Add")
    with socket.create_server(("127.0.0.1", 0)) as trap:
        trap.settimeout(0)
        page.get_by_role("textbox", name="A web address").fill(f"http://127.0.0.1:{trap.getsockname()[1]}/handbook")
        page.get_by_role("button", name="Fetch").click()
        expect(page.get_by_text("is not a public address")).to_be_visible(timeout=JOB)
        expect(page.get_by_text("1 failed")).to_be_visible()
        picture(page, "refused-address")
        with pytest.raises(BlockingIOError):
            trap.accept()
    page.get_by_role("textbox", name="A web address").fill("ftp://example.org/handbook")
    page.get_by_role("button", name="Fetch").click()
    expect(page.get_by_text("is not an http or https address")).to_be_visible()
    idle(page)
    picture(page, "refused-scheme")


def test_a_base_is_exported_and_imported_under_another_name(page: Page, server: PageServer, tmp_path: Path) -> None:
    fill(server, "Origin", HANDBOOK)
    page.reload()
    look_after(page, "Origin", "Manage")
    with page.expect_download() as got:
        page.get_by_role("button", name="Export", exact=True).click()
    file = tmp_path / got.value.suggested_filename
    got.value.save_as(file)
    assert file.name == "Origin.kb.zip"
    page.get_by_role("button", name="Import a knowledge base").click()
    dialog = page.get_by_role("dialog")
    put_files(dialog, (file.name, "application/zip", file.read_bytes()))
    dialog.get_by_text(file.name).wait_for()
    dialog.get_by_role("textbox", name="Name").fill("Copy of it")
    dialog.get_by_role("button", name="Import").click()
    expect(page.get_by_role("heading", name="Copy of it")).to_be_visible(timeout=JOB)
    expect(page.get_by_text("Documents 2")).to_be_visible()
    new_chat(page, "Copy of it")
    ask(page, "How do I reset the device?")
    expect(answer(page)).to_contain_text("red button")


def test_what_is_no_export_is_refused_with_the_reason(page: Page) -> None:
    go_to(page, "Knowledge bases")
    page.get_by_role("button", name="Import a knowledge base").click()
    dialog = page.get_by_role("dialog")
    put_files(dialog, ("notes.zip", "application/zip", b"PK\x03\x04 no archive"))
    dialog.get_by_text("notes.zip").wait_for()
    dialog.get_by_role("button", name="Import").click()
    expect(dialog.get_by_role("alert")).to_be_visible()
    picture(page, "refused-import")


def test_a_file_is_put_into_the_chat_and_asked(page: Page, server: PageServer) -> None:
    fill(server, "Kept", HANDBOOK)
    page.reload()
    new_chat(page, "Kept")
    owl = b"The owl of the lighthouse is called Minerva. It was brought by ship in 1902."
    field = page.get_by_test_id("stChatInput").locator("input[type=file]")
    field.set_input_files({"name": "owl.txt", "mimeType": "text/plain", "buffer": owl})
    page.get_by_test_id("stChatInput").get_by_text("owl.txt").wait_for()
    idle(page)
    ask(page, "What is the owl of the lighthouse called?")
    expect(answer(page)).to_contain_text("Minerva")
    expect(page.get_by_text("Asking the attached files: owl.txt")).to_be_visible()
    picture(page, "attached")
    page.locator("button.cite").last.click()
    expect(page.get_by_role("dialog").get_by_text("owl.txt").first).to_be_visible()
    page.keyboard.press("Escape")
    ask(page, "When was it brought?")
    expect(answer(page)).to_contain_text("1902")
    with server.client() as client:
        names = [one["name"] for one in client.get("/api/v1/knowledge-bases/Kept/documents").json()["documents"]]
    assert "owl.txt" not in names, "it is not kept in the base"


def test_an_agent_shows_its_steps(page: Page, server: PageServer, model: ToolCallingServer) -> None:
    fill(server, "Prices", {"pump.txt": "The red pump costs 1200 euros."})
    model.script = _script
    page.reload()
    new_chat(page, "Prices")
    answer_by(page, "Agent")
    ask(page, "What do two red pumps cost?")
    expect(answer(page)).to_contain_text("The red pump costs 1200 euros")
    page.get_by_text("What the agent did (2 steps)").click()
    expect(page.get_by_text("search_documents")).to_be_visible()
    expect(page.get_by_text("2400", exact=True)).to_be_visible()
    picture(page, "agent")


def _script(messages: list[dict[str, Any]]) -> Any:  # noqa: ANN401 - a Turn
    match len(returned(messages)):
        case 0:
            return [("search_documents", {"question": "What does the pump cost?"})]
        case 1:
            return [("calculate", {"expression": "1200 * 2"})]
    return "The red pump costs 1200 euros [1]."


def test_a_stream_without_end_is_stopped(page: Page, server: PageServer, model: ToolCallingServer) -> None:
    fill(server, "Endless", HANDBOOK)
    model.endless = True
    model.closed.clear()
    page.reload()
    new_chat(page, "Endless")
    answer_by(page, "Write")
    chat_box(page).fill("How do I reset the device?")
    chat_box(page).press("Enter")
    page.get_by_text("and on and on").first.wait_for()
    picture(page, "streaming")
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("This answer was broken off.")).to_be_visible()
    assert model.closed.wait(60), "the model is told too"
    model.endless = False
    expect(page.get_by_test_id("stChatMessage")).to_have_count(2)
    idle(page)
    picture(page, "stopped")

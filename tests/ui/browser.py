"""A real browser before a real page of a real service."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, FilePayload, Locator, Page, Response, expect, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from tests.api.conftest import COMMAND, HANDBOOK, Server, finished, upload

CHROMIUM = shutil.which("chromium")
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no chromium here: apt-get install chromium")
PICTURES = Path(os.environ.get("KB_TEST_PICTURES", ".pytest_cache/pictures"))
SECONDS = 90_000  # a busy machine is slow; a test that passes waits for none of it
# The script rests and nothing is left of what it drew before. True too in the moment before a click has arrived: wait
# first for something that only the new run draws.
IDLE = """() => document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'
  && !document.querySelector('[data-stale=true]')"""
expect.set_options(timeout=SECONDS)


class PageServer(Server):
    """`kb serve --page`: the service and the page beside it."""

    def __init__(self, home: Path, **environment: str) -> None:
        self.page_port = free_port()
        self.page_url = f"http://127.0.0.1:{self.page_port}"
        super().__init__(
            home, KB_PAGE__PORT=str(self.page_port), KB_SERVICE__REQUESTS_PER_MINUTE="100000", **environment
        )

    def _start(self) -> "subprocess.Popen[str]":
        with self.log.open("a") as log:
            process = subprocess.Popen(
                [COMMAND, "serve", "--port", "0", "--page"],
                env=self.environment,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        watchdog = threading.Timer(180, process.kill)
        watchdog.start()
        assert process.stdout is not None
        for line in process.stdout:
            if shown := re.search(r"kb_\S+", line):
                self.key = shown.group()
            if line.startswith("Serving"):
                self.url = line.split()[1]
            if line.startswith("Page"):
                watchdog.cancel()
                return process
        watchdog.cancel()
        raise AssertionError(self.log.read_text("utf-8"))


@contextmanager
def running(home: Path, documents: bool = True, **environment: str) -> Iterator[PageServer]:
    """Run service and page; with a base `handbook` unless told otherwise."""
    server = PageServer(home, **environment)
    try:
        if documents:
            with server.client() as client:
                client.post("/api/v1/knowledge-bases", json={"name": "handbook"})
                finished(client, upload(client, "handbook", HANDBOOK)["id"])
        yield server
    finally:
        if server.process.poll() is None:
            server.process.send_signal(signal.SIGTERM)
            server.process.wait(120)
        if server.process.stdout is not None:
            server.process.stdout.close()


@contextmanager
def page_over(service_url: str) -> Iterator[str]:
    """Run the page over a service and return its address; it ends by itself when its standard input does."""
    port = free_port()
    command = [sys.executable, "-m", "webui", "--service", service_url, "--port", str(port), "--until-eof"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    try:
        _wait_for(f"http://127.0.0.1:{port}/_stcore/health")
        yield f"http://127.0.0.1:{port}"
    finally:
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(120) in (0, -signal.SIGTERM)


def _wait_for(address: str) -> None:
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        try:
            httpx.get(address, timeout=60)
            return
        except httpx.ConnectError:
            time.sleep(0.1)
    raise AssertionError(f"Nobody answers at {address}")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run the browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


def visit(browser: Browser, server: PageServer, **context: object) -> Page:
    """Open a window and the page in it; what its console calls an error is kept in `page.errors`."""
    page = browser.new_context(**{"locale": "en-US", "viewport": {"width": 1280, "height": 860}, **context}).new_page()  # type: ignore[arg-type]
    page.set_default_timeout(SECONDS)
    page.goto(server.page_url)
    return page


def sign_in(page: Page, key: str) -> None:
    """Sign in; wait for the pages, and until the browser has its mark, so that a refresh keeps who this is."""
    page.locator(".stFormSubmitButton button").wait_for()  # before it is there, the Enter key sends nothing
    idle(page)
    with page.expect_response(_session("POST"), timeout=SECONDS):
        _send_key(page, key)
    idle(page)


def _send_key(page: Page, key: str) -> None:
    """Type the key and press Enter until the pages are there: on a busy machine Streamlit can miss an early Enter."""
    for _ in range(6):
        page.locator("input[type=password]").fill(key)
        page.locator("input[type=password]").press("Enter")
        try:
            page.locator(".st-key-about_me").wait_for(state="attached", timeout=SECONDS / 6)
        except PlaywrightTimeout:
            continue
        return
    raise AssertionError("the key was typed six times and nobody was let in")


def sign_out(page: Page) -> None:
    """Sign out, and wait until the browser's mark is gone."""
    with page.expect_response(_session("DELETE"), timeout=SECONDS):
        page.get_by_role("button", name="Sign out").click()
    page.locator("input[type=password]").wait_for()


def _session(method: str) -> Callable[[Response], bool]:
    return lambda response: response.url.endswith("/session") and response.request.method == method


def idle(page: Page) -> None:
    """Wait until the page has drawn what it is about."""
    page.wait_for_function(IDLE, timeout=SECONDS)


def chat_box(page: Page) -> Locator:
    """Return where questions are written."""
    return page.get_by_test_id("stChatInputTextArea")


def ask(page: Page, question: str) -> None:
    """Ask something that was not asked before, and wait until the answer is there."""
    idle(page)  # what is written into a field that is about to be drawn anew would be lost
    chat_box(page).fill(question)
    chat_box(page).press("Enter")
    asked = page.get_by_test_id("stChatMessage").filter(has_text=question).last
    asked.wait_for()
    idle(page)
    expect(page.locator(".st-key-stop")).to_have_count(0)
    asked.locator("xpath=following::*[@data-testid='stFeedback']").last.wait_for()
    idle(page)


def go_to(page: Page, title: str) -> None:
    """Open another page by its name at the top; until it is there, a click would go to the page before."""
    link = page.get_by_test_id("stTopNavLink").filter(has_text=title)
    address = link.evaluate("one => one.href")
    link.click()
    page.wait_for_function("wanted => location.pathname === new URL(wanted).pathname", arg=address, timeout=SECONDS)
    idle(page)


def tab(page: Page, name: str) -> None:
    """Open a tab."""
    one = page.get_by_role("tab", name=name)
    one.click()
    expect(one).to_have_attribute("aria-selected", "true")
    expect(page.get_by_role("tabpanel")).not_to_be_empty()  # so the run that draws it has begun
    idle(page)


def choose(page: Page, base: str, heading: str | None = None) -> None:
    """Choose a base in the list at the side; its name is in the page's heading, or this one is."""
    page.get_by_test_id("stSidebar").get_by_text(base, exact=True).click()
    page.get_by_role("heading", name=heading or base).wait_for()
    idle(page)  # until the forms of the base before are gone too


def put_files(page: Page | Locator, *files: tuple[str, str, bytes]) -> None:
    """Choose files (name, kind, bytes) to upload; the chat's box takes files too, so the first field may be another."""
    field = page.get_by_test_id("stFileUploader").locator("input[type=file]")
    chosen: list[FilePayload] = [{"name": name, "mimeType": kind, "buffer": buffer} for name, kind, buffer in files]
    field.set_input_files(chosen)


def picture(page: Page, name: str) -> None:
    """Keep a picture of what is seen."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}.png")


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

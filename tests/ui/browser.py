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
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from tests.api.conftest import COMMAND, HANDBOOK, Server, finished, upload

CHROMIUM = shutil.which("chromium")
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no chromium here: apt-get install chromium")
PICTURES = Path(os.environ.get("KB_TEST_PICTURES", ".pytest_cache/pictures"))
SECONDS = 30_000
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
        watchdog = threading.Timer(60, process.kill)
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
def running(home: Path, documents: bool = True) -> Iterator[PageServer]:
    """Run service and page; with a base `handbook` unless told otherwise."""
    server = PageServer(home)
    try:
        if documents:
            with server.client() as client:
                client.post("/api/v1/knowledge-bases", json={"name": "handbook"})
                finished(client, upload(client, "handbook", HANDBOOK)["id"])
        yield server
    finally:
        if server.process.poll() is None:
            server.process.send_signal(signal.SIGTERM)
            server.process.wait(60)
        if server.process.stdout is not None:
            server.process.stdout.close()


@contextmanager
def page_over(service_url: str) -> Iterator[str]:
    """Run the page over a service and return its address; it ends by itself when its standard input does."""
    port = free_port()
    command = [sys.executable, "-m", "webui", "--service", service_url, "--port", str(port), "--until-eof"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            httpx.get(f"http://127.0.0.1:{port}/_stcore/health")
            break
        except httpx.ConnectError:
            time.sleep(0.1)
    yield f"http://127.0.0.1:{port}"
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(30) in (0, -signal.SIGTERM)


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
    """Sign in and wait for the chat."""
    page.locator("input[type=password]").fill(key)
    page.keyboard.press("Enter")
    chat_box(page).wait_for()


def chat_box(page: Page) -> Locator:
    """Return where questions are written."""
    return page.get_by_test_id("stChatInputTextArea")


def ask(page: Page, question: str) -> None:
    """Ask, and wait until the answer is there."""
    chat_box(page).fill(question)
    page.keyboard.press("Enter")
    asked = page.get_by_test_id("stChatMessage").filter(has_text=question).last
    # The thumbs after this very question: those of an earlier conversation may stay on the page for a moment.
    asked.locator("xpath=following::*[@data-testid='stFeedback']").last.wait_for()


def go_to(page: Page, title: str) -> None:
    """Open another page by its name at the top."""
    page.get_by_test_id("stTopNavLink").filter(has_text=title).click()


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

"""What tests of several folders share."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """Run Chromium: for one module only, as its driver keeps the thread's event loop."""
    from tests.ui.browser import chromium

    with chromium() as browser:
        yield browser

"""Parts of the page, drawn alone by Streamlit's AppTest, over a service that says what a test wants."""

import sys
from collections.abc import Callable, Iterator

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.ui.fake_service import FakeService

Draw = Callable[..., AppTest]


@pytest.fixture
def fake() -> Iterator[FakeService]:
    """Return a service that says what the test wants; the page remembers nothing of the one before it."""
    st.cache_data.clear()
    service = FakeService()
    yield service
    service.close()


@pytest.fixture
def draw(monkeypatch: pytest.MonkeyPatch) -> Draw:
    """Return a function that runs a script, a function with its own imports, with these arguments and secrets."""
    # AppTest sets the page in the place of the main module, which processes that others spawn would run.
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])

    def run(script: Callable[..., None], *args: object, **secrets: str) -> AppTest:
        page = AppTest.from_function(script, default_timeout=30, args=args)
        page.secrets.update({"service": "http://127.0.0.1:9", **secrets})
        page.run()
        assert not page.exception, page.exception
        return page

    return run

"""The page with a fake service, run by Streamlit's AppTest."""

import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.paths import ROOT
from tests.ui.fake_service import FakeService

APP = ROOT / "webui" / "shell" / "app.py"
Open = Callable[..., AppTest]


@pytest.fixture(autouse=True)
def _main_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the main module back: AppTest sets the page in its place, which processes that others spawn would run."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


@pytest.fixture
def fake() -> Iterator[FakeService]:
    """Return a service that says what the test wants; the page remembers nothing of the one before it."""
    st.cache_data.clear()
    service = FakeService()
    yield service
    service.close()


@pytest.fixture
def app(fake: FakeService) -> AppTest:
    """Return the whole page, not yet run."""
    page = AppTest.from_file(str(APP), default_timeout=30)
    page.secrets["service"] = fake.url
    page.secrets["language"] = "en"
    return page


@pytest.fixture
def screen(fake: FakeService) -> Open:
    """Return a function that runs one screen by name, for somebody who is signed in."""

    def run(name: str, language: str = "en") -> AppTest:
        page = AppTest.from_function(_draw_screen, default_timeout=30, args=(fake.url, name, language))
        page.secrets["service"] = fake.url
        return page.run()

    return run


def _draw_screen(url, name, language):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - a script of its own
    import streamlit as st

    from webui.client.service import Service
    from webui.pages.bases import screen as bases
    from webui.pages.chat import screen as chat
    from webui.pages.evaluation import screen as evaluation
    from webui.pages.knn import screen as knn
    from webui.pages.system import screen as system
    from webui.shell.phrases import Say
    from webui.shell.troubles import shown
    from webui.shell.visit import Visit

    visit = Visit(Service(url, "key"), Say(language), st.sidebar.container())
    screens = {"bases": bases, "chat": chat, "evaluation": evaluation, "knn": knn, "system": system}
    with shown(visit.say):
        screens[name].draw(visit)


def nodes(page: AppTest, key: str) -> list[Any]:
    """Return the nodes that the component of this key shows."""
    found: list[Any] = json.loads(page.get_by_key(key).proto.json)["nodes"]
    return found


def text(shown: Any) -> str:  # noqa: ANN401 - a node
    """Return the text of nodes."""
    if isinstance(shown, str):
        return shown
    children = shown if isinstance(shown, list) else shown["children"]
    return "".join(text(child) for child in children)


def said(page: AppTest) -> str:
    """Return everything that labels and texts say."""
    kinds = (page.markdown, page.caption, page.header, page.subheader, page.info, page.warning, page.error, page.title)
    return "\n".join(str(element.value) for kind in kinds for element in kind)

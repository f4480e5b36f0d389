"""Who may in, in which language, and what the page says while the service cannot answer."""

import pytest
from streamlit.testing.v1 import AppTest

from tests.ui.conftest import said
from tests.ui.fake_service import FakeService
from webui.shell.session_keys import session_keys


def test_a_key_that_is_not_valid_is_refused_and_a_valid_one_lets_in(app: AppTest, fake: FakeService) -> None:
    fake.failure = (401, "unauthorized", "This key is not known.")
    app.run()
    assert app.title[0].value == "Ask your own documents"
    app.text_input[0].set_value("kb_wrong")
    app.button[0].click().run()
    assert [error.value for error in app.error] == ["This key is not valid."]
    fake.failure = None
    app.text_input[0].set_value("kb_right")
    app.button[0].click().run()
    assert app.chat_input[0].placeholder.startswith("Ask your documents")


def test_the_browser_is_told_to_fetch_its_mark_until_it_has_done_so(app: AppTest) -> None:
    ticket = app.session_state["ticket"] = session_keys().ticket("kb_right")
    app.run()
    app.run()  # another run follows before the browser has come so far
    assert ticket in app.get_by_key(f"messenger_{ticket}").proto.json
    assert session_keys().redeem(ticket)
    app.run()
    with pytest.raises(KeyError):
        app.get_by_key(f"messenger_{ticket}")


def test_the_page_speaks_the_language_that_is_chosen(app: AppTest) -> None:
    app.run()
    assert [header.value for header in app.header] == ["What would you like to know?"]
    app.segmented_control(key="language_choice").set_value("zh").run()
    assert [header.value for header in app.header] == ["想了解什么？"]


def test_a_service_that_is_away_is_said_and_comes_back(app: AppTest, fake: FakeService) -> None:
    app.secrets["service"] = "http://127.0.0.1:9"
    app.run()
    assert "does not answer" in app.warning[0].value
    app.secrets["service"] = fake.url
    app.run()
    assert not app.warning
    assert app.chat_input


def test_a_busy_service_is_said(app: AppTest, fake: FakeService) -> None:
    app.run()
    fake.failure = (503, "busy", "Too many questions wait.")
    app.run()
    assert "busy" in app.warning[0].value
    assert "Too many questions wait" in said(app)
    fake.failure = None
    app.run()
    assert not app.warning


def test_a_key_that_was_revoked_meanwhile_leads_to_signing_in(app: AppTest, fake: FakeService) -> None:
    app.run()
    fake.failure = (401, "unauthorized", "This key is revoked.")
    app.run()
    assert "signed out" in app.warning[0].value
    app.run()
    assert app.title[0].value == "Ask your own documents"

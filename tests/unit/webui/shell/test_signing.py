"""Signing in and out with an API key."""

from tests.ui.fake_service import FakeService
from tests.unit.webui.conftest import Draw
from webui.shell.session_keys import session_keys


def _script() -> None:
    import streamlit as st

    from webui.shell.phrases import Say
    from webui.shell.signing import draw_sign_in, sign_out, signed_in_service

    service = signed_in_service()
    if service is None:
        draw_sign_in(Say("en"))
    else:
        st.text(f"key <{service.key}>")
        st.button("out", on_click=sign_out)


def test_a_service_without_keys_asks_for_none(draw: Draw, fake: FakeService) -> None:
    page = draw(_script, service=fake.url)
    assert [text.value for text in page.text] == ["key <>"]


def test_a_wrong_key_is_said_and_a_right_one_opens(draw: Draw, fake: FakeService) -> None:
    fake.key = "kb_right"
    page = draw(_script, service=fake.url)
    page.text_input[0].set_value("kb_wrong")
    page.button[0].click().run()
    assert len(page.error) == 1
    page.text_input[0].set_value("  kb_right ")
    page.button[0].click().run()
    assert [text.value for text in page.text] == ["key <kb_right>"]
    assert "kb_right" not in str(page.session_state["ticket"])
    mark = session_keys().redeem(page.session_state["ticket"])
    assert session_keys().key(mark or "") == "kb_right"


def test_no_key_at_all_is_said_without_asking_the_service(draw: Draw, fake: FakeService) -> None:
    fake.key = "kb_right"
    page = draw(_script, service=fake.url)
    asked = len(fake.calls)
    page.text_input[0].set_value("   ")
    page.button[0].click().run()
    assert len(page.error) == 1
    assert len([call for call in fake.calls[asked:] if call[1] == "/api/v1/me"]) <= 1  # who is it without a key


def test_who_signs_out_is_not_recognised_again(draw: Draw, fake: FakeService) -> None:
    page = draw(_script, service=fake.url)
    page.button[0].click().run()
    assert page.text_input, "the form is there, though the service would take anybody"

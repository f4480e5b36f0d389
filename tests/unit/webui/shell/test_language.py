"""Which language the page speaks."""

import pytest
import streamlit as st

from tests.unit.webui.conftest import Draw
from webui.shell.language import choose_language


def _script() -> None:
    import streamlit as st

    from webui.shell.language import choose_language, draw_language, tell_browser

    say = choose_language()
    draw_language(say)
    tell_browser(say)
    st.text(say.language)


@pytest.fixture(autouse=True)
def _fresh() -> None:
    st.session_state.clear()


@pytest.mark.parametrize(
    ("cookie", "setting", "locale", "language"),
    [
        ("zh", "en", "en-US", "zh"),
        ("en", "zh", "zh-CN", "en"),
        ("", "zh", "en-US", "zh"),
        ("", "auto", "zh-TW", "zh"),
        ("", "auto", "de-DE", "en"),
        ("", "auto", None, "en"),
        ("fr", "auto", "ZH", "zh"),
    ],
)
def test_what_was_chosen_then_the_setting_then_the_browser(
    monkeypatch: pytest.MonkeyPatch, cookie: str, setting: str, locale: str | None, language: str
) -> None:
    monkeypatch.setattr(type(st.context), "cookies", {"kb_language": cookie} if cookie else {})
    monkeypatch.setattr(type(st.context), "locale", locale)
    monkeypatch.setattr("streamlit.secrets", {"language": setting})
    assert choose_language().language == language


def test_the_other_language_is_one_click_away_and_stays(draw: Draw) -> None:
    page = draw(_script, language="en")
    assert page.text[0].value == "en"
    page.segmented_control(key="language_choice").set_value("zh").run()
    assert page.text[0].value == "zh"
    page.run()
    assert page.text[0].value == "zh"

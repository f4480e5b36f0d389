"""Chinese or English on the terminal."""

import inspect

import pytest

from kb_server.cli.language import ERROR_TITLES, choose_language
from kb_server.core import errors


@pytest.mark.parametrize(
    ("environment", "chinese"),
    [
        ({"LANG": "zh_CN.UTF-8"}, True),
        ({"LANG": "ZH_TW"}, True),
        ({"LANG": "en_US.UTF-8"}, False),
        ({}, False),
        ({"LANG": "zh_CN", "LC_MESSAGES": "en_US"}, False),
        ({"LANG": "en_US", "LC_ALL": "zh_CN", "LC_MESSAGES": "en_US"}, True),
        ({"LANG": "zh_CN", "LC_ALL": ""}, True),
    ],
)
def test_the_locale_tells_as_posix_orders_it(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], chinese: bool
) -> None:
    for name in ("LANG", "LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert choose_language("auto").chinese is chinese
    assert choose_language("auto")("Documents", "文档") == ("文档" if chinese else "Documents")


@pytest.mark.parametrize(("setting", "text"), [("zh", "文档"), ("en", "Documents")])
def test_the_setting_goes_before_the_locale(monkeypatch: pytest.MonkeyPatch, setting: str, text: str) -> None:
    monkeypatch.setenv("LC_ALL", {"zh": "en_US", "en": "zh_CN"}[setting])
    assert choose_language(setting)("Documents", "文档") == text


def test_every_error_has_a_chinese_title() -> None:
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.KbError)]
    codes = {kind.code for kind in kinds if kind is not errors.KbError}
    assert codes - set(ERROR_TITLES) == set()
    assert all(any("\u4e00" <= character <= "\u9fff" for character in title) for title in ERROR_TITLES.values())

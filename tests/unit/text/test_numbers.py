"""Numbers in digits and words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb_server.text.numbers import in_digits


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("1,250 people", "1250 people"),
        ("3.4 million euros", "3400000 euros"),
        ("twenty-five days", "25 days"),
        ("Two hundred and five miles", "205 miles"),
        ("nineteen thousand three hundred", "19300"),
        ("one of them", "one of them"),
        ("5万人", "50000人"),
        ("三亿五千万元", "350000000元"),
        ("一万二千三百四十五", "12345"),
        ("二〇二六年", "2026年"),
        ("十二个月", "12个月"),
        ("百分之十二", "12%"),
        ("一些人", "一些人"),
        ("version 1.2.3 of PR-02, 2.10.1", "version 1.2.3 of PR-02, 2.10.1"),
        ("百分之五，三分之一", "5%，1/3"),
        ("一点五倍，三点一四", "1.5倍，3.14"),
    ],
)
def test_one_way_of_writing(text: str, digits: str) -> None:
    assert in_digits(text) == digits


def _chinese(number: int) -> str:
    """Write a number below 100,000,000 in Chinese, place by place (no zeros left out)."""
    digits = "零一二三四五六七八九"
    if number >= 10_000:
        return _chinese(number // 10_000) + "万" + (_chinese(number % 10_000) if number % 10_000 else "")
    written = ""
    for scale, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = number // scale % 10
        written += digits[digit] + name if digit else ""
    return written


@given(st.integers(11, 10**8 - 1))
def test_chinese_numerals_are_read_back(number: int) -> None:
    assert in_digits(f"共{_chinese(number)}人") == f"共{number}人"

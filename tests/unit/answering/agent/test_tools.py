"""Arithmetic without eval."""

import math
import operator
from datetime import datetime, timedelta
from time import perf_counter
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb_server.answering.agent.tools import calculate, current_time
from kb_server.core.errors import UsageError


def test_tells_the_time_of_a_zone() -> None:
    told = datetime.strptime(current_time("Asia/Shanghai"), "%A %Y-%m-%d %H:%M:%S %z")
    assert told.utcoffset() == timedelta(hours=8)
    assert abs(told - datetime.now(ZoneInfo("UTC"))) < timedelta(seconds=5)
    assert datetime.strptime(current_time(), "%A %Y-%m-%d %H:%M:%S %z").tzinfo


@pytest.mark.parametrize("zone", ["Nowhere/None", "../../etc/passwd", "/etc/localtime", "Asia", "x" * 1000, "\0"])
def test_a_zone_that_is_none_is_said(zone: str) -> None:
    with pytest.raises(UsageError, match="no time zone"):
        current_time(zone)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("1+2*3", "7"),
        ("(1200 - 350) * 0.19", "161.5"),
        ("2^10", "1024"),
        ("-7 // 2", "-4"),
        ("（3＋4）×2".replace("＋", "+"), "14"),
        ("10 ÷ 4", "2.5"),
        ("round(2/3, 4)", "0.6667"),
        ("max(1, 2, sqrt(16))", "4"),
        ("0.1 + 0.2", "0.3"),
        ("2**200", str(2**200)),
        ("cos(pi)", "-1"),
    ],
)
def test_values(expression: str, value: str) -> None:
    assert calculate(expression) == value


@pytest.mark.parametrize(
    "expression",
    [
        "__import__('os').system('true')",
        "().__class__.__bases__",
        "open('/etc/passwd')",
        "[x for x in (1,)]",
        "lambda: 1",
        "'a' * 3",
        "True + 1",
        "f'{1}'",
        "abs",
        "print(1)",
        "round(1, ndigits=2)",
        "1 if 1 else 2",
        "x",
        "1; 2",
        "",
        "1 +",
        "1/0",
        "9**9**9",
        "10**301",
        "2**1001",
        "(-8)**0.5",
        "log(-1)",
        "1e999",
        "1j",
        "1" * 600,
        "-" * 400 + "1",
        "1\0",
    ],
)
def test_what_is_no_arithmetic_is_refused_at_once(expression: str) -> None:
    started = perf_counter()
    with pytest.raises(UsageError):
        calculate(expression)
    assert perf_counter() - started < 1


_NUMBERS = st.integers(-10_000, 10_000)


@given(_NUMBERS, _NUMBERS, st.sampled_from("+-*"), _NUMBERS, st.sampled_from("+-*"))
def test_agrees_with_the_operators(a: int, b: int, first: str, c: int, second: str) -> None:
    signs = {"+": operator.add, "-": operator.sub, "*": operator.mul}
    assert calculate(f"(({a}){first}({b})){second}({c})") == str(signs[second](signs[first](a, b), c))


@given(st.floats(-1e6, 1e6), st.floats(0.001, 1e6))
def test_agrees_with_division(a: float, b: float) -> None:
    assert math.isclose(float(calculate(f"({a!r}) / {b!r}")), a / b, rel_tol=1e-9, abs_tol=1e-11)

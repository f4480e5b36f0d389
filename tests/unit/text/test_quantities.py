"""What a text states in figures, whichever way it is written."""

from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kb_server.text.quantities import Quantity, missing_quantities, quantities

_VALUES = st.builds(
    Quantity, st.integers(1, 12).map(Decimal), st.sampled_from([None, "year", "day", "percent", "month name"])
)


def _found(text: str) -> list[tuple[str, str | None]]:
    return [(str(each.value), each.unit) for each in quantities(text)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("12 months", "12个月"),
        ("5 km", "5公里"),
        ("3.5 kilograms", "3.5 kg"),
        ("$20", "20 usd"),
        ("€20", "20欧元"),
        ("¥20", "20元"),
        ("20%", "20 percent"),
        ("-5°c", "-5摄氏度"),
        ("14-day", "14 days"),
        ("the third of 5 march", "3月5"),
        ("1,250 people", "1250人"),
        ("2024-05-03", "2024/5/3"),
        ("in june.", "6月"),
        ("twenty-five years", "25年"),
    ],
)
def test_two_ways_of_writing_one_thing_are_equal(one: str, other: str) -> None:
    found, wanted = quantities(one), quantities(other)
    assert found
    assert missing_quantities(wanted, found) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("it took 5 minutes and 30 seconds", [("5", "minute"), ("30", "second")]),
        ("on 2024-05-03", [("2024", None), ("5", "month name"), ("3", None)]),
        ("2024-13-03", [("2024", None), ("13", None), ("3", None)]),
        ("3个月", [("3", "month")]),
        ("3月", [("3", "month name")]),
        ("13月", [("13", None)]),
        ("5 m tall", [("5", None)]),  # metres or millions
        ("5 meters", [("5", "metre")]),
        ("5 metric", [("5", None)]),
        ("no figure", []),
        ("decided by the mayor", []),
    ],
)
def test_values_and_units(text: str, found: list[tuple[str, str | None]]) -> None:
    assert _found(text) == found


@pytest.mark.parametrize(
    "name", ["january", "feb", "mar.", "april", "jun", "july", "aug", "sept", "october", "nov", "december"]
)
def test_names_of_months(name: str) -> None:
    number = "jan feb mar apr may jun jul aug sep oct nov dec".split().index(name[:3]) + 1
    assert _found(f"since {name} of that year") == [(str(number), "month name")]


@pytest.mark.parametrize("text", ["in may", "5 may 2024", "may 5", "late may", "by the 3rd may", "may, 2024"])
def test_may_is_a_month_where_dates_stand(text: str) -> None:
    assert ("5", "month name") in _found(text)


@pytest.mark.parametrize("text", ["you may go", "it may be that 5 of them stay", "employees may resign"])
def test_may_is_a_verb_elsewhere(text: str) -> None:
    assert ("5", "month name") not in _found(text)


def test_units_may_be_unsaid_but_not_differ_and_months_are_no_numbers() -> None:
    five = Decimal(5)
    assert Quantity(five, None).agrees(Quantity(five, "day"))
    assert not Quantity(five, "year").agrees(Quantity(five, "day"))
    assert not Quantity(five, None).agrees(Quantity(five, "month name"))
    assert Quantity(five, "month name").agrees(Quantity(five, "month name"))
    assert Quantity(Decimal("5.0"), None).agrees(Quantity(five, None))


@given(st.lists(_VALUES, max_size=5))
@example([Quantity(Decimal(1), "day"), Quantity(Decimal(1), None), Quantity(Decimal(1), "year")])
def test_a_text_misses_nothing_of_its_own_and_everything_of_another(stated: list[Quantity]) -> None:
    assert missing_quantities(stated, list(reversed(stated))) == []
    assert missing_quantities(stated, []) == stated


def test_what_is_said_twice_must_stand_there_twice() -> None:
    day = Quantity(Decimal(5), "day")
    assert missing_quantities([day, day], [day]) == [day]

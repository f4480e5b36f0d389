"""Moments as the reader's clock shows them."""

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
import streamlit as st

from webui.shell import times

MOMENT = datetime(2024, 7, 1, 22, 30, 15, tzinfo=UTC)


@pytest.fixture(params=["Asia/Shanghai", "America/New_York"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let the browser be somewhere."""
    monkeypatch.setattr(type(st.context), "timezone", request.param)
    return str(request.param)


def test_the_service_means_utc_where_it_names_no_zone() -> None:
    assert times.aware(MOMENT.replace(tzinfo=None)) == MOMENT
    east = MOMENT.astimezone(timezone(timedelta(hours=8)))
    assert times.aware(east) is east


def test_a_moment_is_shown_by_the_readers_clock(zone: str) -> None:
    expected = {"Asia/Shanghai": "2024-07-02 06:30", "America/New_York": "2024-07-01 18:30"}[zone]
    assert times.shown(MOMENT) == expected
    assert times.shown(MOMENT.replace(tzinfo=None), seconds=True) == f"{expected}:15"
    assert times.local(MOMENT).tzinfo is None


def test_a_day_begins_at_the_readers_midnight(zone: str) -> None:
    begins = times.beginning(date(2024, 7, 1))
    assert begins == datetime(2024, 7, 1, tzinfo=ZoneInfo(zone))
    assert times.shown(begins) == "2024-07-01 00:00"


@pytest.mark.parametrize("said", ["", None, "Nowhere/Land", "../etc/passwd"])
def test_a_zone_that_is_none_is_the_machines(monkeypatch: pytest.MonkeyPatch, said: str | None) -> None:
    monkeypatch.setattr(type(st.context), "timezone", said)
    assert times.local(MOMENT) == MOMENT.astimezone().replace(tzinfo=None)
    assert times.beginning(date(2024, 7, 1)) == datetime(2024, 7, 1, tzinfo=UTC)

"""Moments as the reader's clock shows them."""

from datetime import UTC, date, datetime, time, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st


def aware(moment: datetime) -> datetime:
    """Return a moment of the service with its zone, which is UTC."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def local(moment: datetime) -> datetime:
    """Return a moment as the browser's clock has it, without a zone, for tables."""
    return aware(moment).astimezone(_zone()).replace(tzinfo=None)


def shown(moment: datetime, seconds: bool = False) -> str:
    """Return a moment to the minute, or to the second, in the browser's zone."""
    return f"{local(moment):%Y-%m-%d %H:%M:%S}" if seconds else f"{local(moment):%Y-%m-%d %H:%M}"


def beginning(day: date) -> datetime:
    """Return the first moment of a day as the browser's clock has it, with its zone."""
    return datetime.combine(day, time(), _zone() or UTC)


def _zone() -> tzinfo | None:
    try:
        return ZoneInfo(st.context.timezone) if st.context.timezone else None
    except (ZoneInfoNotFoundError, ValueError):
        return None

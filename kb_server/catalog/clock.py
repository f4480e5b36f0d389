"""The time, as the catalog keeps it."""

from datetime import UTC, datetime


def now() -> datetime:
    """Return the present in UTC, without a zone; for people only: a clock may go back, so nothing sorts by it."""
    return datetime.now(UTC).replace(tzinfo=None)

"""The clock."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from kb_server.answering.agent.tools import current_time
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

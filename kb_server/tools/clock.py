"""What time it is."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from kb_server.errors import UsageError
from kb_server.tools.tool import Tool, parameters, text_of


def current_time(zone: str = "") -> str:
    """Return date, weekday and time, in a named time zone or in this machine's; raises UsageError for no such zone."""
    try:
        now = datetime.now(ZoneInfo(zone)) if zone else datetime.now().astimezone()
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # OSError: a name that is a folder of zones
        raise UsageError(f"There is no time zone '{zone[:80]}'.", "Name one like Asia/Shanghai.") from error
    return now.strftime("%A %Y-%m-%d %H:%M:%S %z")


def clock() -> Tool:
    """Return the clock as a tool."""

    def run(given: Mapping[str, Any]) -> str:
        return current_time(text_of(given, "time_zone"))

    described = {"time_zone": "Such as Asia/Shanghai; without it, the time zone of the service."}
    return Tool("current_time", "Tell today's date, weekday and the time.", parameters({}, described), run)

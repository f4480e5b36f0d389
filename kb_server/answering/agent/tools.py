"""What a tool is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from kb_server.core.errors import UsageError


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool by name, with what it does and takes (a JSON schema) for the model to read.

    `run` returns text, or raises KbError with a sentence that the model may read. One that reaches `outside` is not
    run any more once text of documents was read: what a document says must never decide what is done out there.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]
    run: Callable[[Mapping[str, Any]], str]
    outside: bool = False


def parameters(required: Mapping[str, str], optional: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the JSON schema of an object with texts under these names, each with its description."""
    described = {**required, **(optional or {})}
    properties = {name: {"type": "string", "description": text} for name, text in described.items()}
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


def text_of(given: Mapping[str, Any], name: str) -> str:
    """Return an argument as text; models send numbers and nulls where text is asked for."""
    value = given.get(name)
    return "" if value is None else str(value)


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

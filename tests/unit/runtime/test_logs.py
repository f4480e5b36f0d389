"""Logs: one JSON object a line, without the words of errors."""

import json
import logging
import subprocess
import sys
from datetime import datetime

import pytest

from kb_server.runtime.logs import JsonLines, described

SECRET = "the question was: who is ill?"  # noqa: S105  (a sentence, no password)


def _line(**more: object) -> dict[str, object]:
    fields = {"name": "kb_server.api", "levelno": logging.WARNING, "levelname": "WARNING", **more}
    record = logging.makeLogRecord({"msg": "%d of %s", "args": (3, "文件"), **fields})
    text = JsonLines().format(record)
    assert "\n" not in text
    found: dict[str, object] = json.loads(text)
    return found


def test_time_level_logger_event_and_what_was_given() -> None:
    line = _line(created=0.0, request="r1", path=SystemError)
    assert datetime.fromisoformat(str(line.pop("at"))).timestamp() == 0
    assert line.pop("path") == "<class 'SystemError'>"
    assert line == {"level": "warning", "logger": "kb_server.api", "event": "3 of 文件", "request": "r1"}


def _raised() -> ValueError:
    try:
        raise ValueError(SECRET)
    except ValueError as error:
        return error


def test_an_error_is_told_by_its_class_and_place_and_not_by_its_words() -> None:
    error = _raised()
    line = _line(exc_info=(type(error), error, error.__traceback__))
    assert line["error"] == "ValueError"
    assert __file__ in str(line["stack"])
    assert "ill" not in json.dumps(line)


def test_of_a_long_stack_the_last_twelve_frames_are_kept() -> None:
    def deep(count: int) -> None:
        if count == 0:
            raise ValueError(SECRET)
        deep(count - 1)

    with pytest.raises(ValueError, match="ill") as caught:
        deep(40)
    assert len(described(caught.value)["stack"]) == 12


def test_lines_of_ours_and_warnings_of_others_go_to_standard_error() -> None:
    command = (
        "import logging; from kb_server.runtime.logs import log_json_lines; log_json_lines();"
        "logging.getLogger('kb_server.x').info('ours'); logging.getLogger('other').info('not shown');"
        "logging.getLogger('other').warning('shown')"
    )
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    assert [json.loads(line)["event"] for line in done.stderr.splitlines()] == ["ours", "shown"]

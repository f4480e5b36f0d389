"""Logs as JSON lines, without keys and without text of documents, questions or answers."""

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Any

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, logger, event, and what the caller put into `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as JSON."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        line |= {name: value for name, value in vars(record).items() if name not in _STANDARD}
        if record.exc_info and record.exc_info[1]:
            line |= described(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False, default=str)


def described(error: BaseException) -> dict[str, Any]:
    """Say what an error is and where it arose. Its words are left out: they may quote a document or a question."""
    frames = traceback.extract_tb(error.__traceback__)
    return {"error": type(error).__name__, "stack": [f"{frame.filename}:{frame.lineno}" for frame in frames[-12:]]}


def log_json_lines() -> None:
    """Send this process's logs to standard error as JSON lines: ours and the server's, of libraries the warnings."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for name in ("kb_server", "uvicorn"):
        logging.getLogger(name).setLevel(logging.INFO)

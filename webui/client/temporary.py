"""Files that only this key can ask: a base of their own, of which the service keeps the last few."""

from collections.abc import Sequence
from typing import BinaryIO

from webui.client.connection import Connection, Shape

PREFIX = "temp-"


class FailedFile(Shape):
    """A file that could not be read, and why."""

    name: str
    reason: str


class Attached(Shape):
    """The base that the files are in, and those that are not."""

    base: str
    failed: tuple[FailedFile, ...]


class TemporaryFiles:
    """Takes files in to be asked and thrown away."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def attach(self, files: list[tuple[str, BinaryIO]], base: str | None) -> Attached:
        """Read files, into the base of those before if there is one; returns when they can be asked."""
        fields = {"prev_id": base} if base else {}
        parts = [("files", file) for file in files]
        data = self._connection.upload("/knowledge_base/upload_temp_docs", parts, fields)["data"]
        failed = tuple(
            FailedFile(name=name, reason=reason) for one in data["failed_files"] for name, reason in one.items()
        )
        return Attached(base=data["id"], failed=failed)


def temporary(bases: Sequence[str]) -> str | None:
    """Return the base of attached files, if it is one that is asked."""
    return next((base for base in bases if base.startswith(PREFIX)), None)

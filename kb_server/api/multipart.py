"""Multipart bodies, taken as they come: files go to disk under generated names, and nothing is kept in memory."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from kb_server.core.errors import TooLarge, UsageError
from kb_server.ingest.uploads import Upload

_LONGEST_FIELD = 1 << 20
_MOST_FIELDS = 200
_HINT = "Send the files as multipart/form-data in fields named 'files'."


@dataclass(slots=True)
class Form:
    """The plain fields of a multipart body; each may have been sent several times."""

    fields: dict[str, list[str]] = field(default_factory=dict)

    def text(self, name: str, default: str = "") -> str:
        """Return a field's last value."""
        return self.fields.get(name, [default])[-1]

    def flag(self, name: str, default: bool) -> bool:
        """Return a field as yes or no."""
        return self.text(name, str(default)).strip().lower() in ("true", "1", "yes", "on")


async def receive(request: Request, begin: Callable[[], Upload], most_bytes: int) -> tuple[Upload, Form]:
    """Read the whole body; returns its files and its plain fields.

    Raises UsageError if it is no multipart body, is malformed or ends too early, and TooLarge beyond `most_bytes`, at
    once where the length is announced. After an error, nothing is left on disk.
    """
    boundary = _boundary(request)
    _refuse_long(int(length) if (length := request.headers.get("content-length", "")).isdecimal() else 0, most_bytes)
    upload = await run_in_threadpool(begin)
    reader = _Reader(boundary, upload)
    received = 0
    try:
        async for block in request.stream():
            received += len(block)
            _refuse_long(received, most_bytes)
            await run_in_threadpool(reader.feed, block)
        reader.finish()
    except ClientDisconnect as error:
        await run_in_threadpool(upload.discard)
        raise UsageError("The client went away before the upload ended.", "Send it again.") from error
    except BaseException:  # also when the server stops meanwhile: nothing was acknowledged yet
        await run_in_threadpool(upload.discard)
        raise
    return upload, reader.form


class _Reader:
    """Feeds a parser and sorts what comes out of it."""

    def __init__(self, boundary: bytes, upload: Upload) -> None:
        self.form = Form()
        self._upload = upload
        self._headers: dict[bytes, bytes] = {}
        self._name, self._value = b"", b""
        self._field: str | None = None
        self._text = bytearray()
        self._complete = False
        callbacks: Any = {
            "on_part_begin": self._headers.clear,
            "on_header_field": self._on_header_field,
            "on_header_value": self._on_header_value,
            "on_header_end": self._on_header_end,
            "on_headers_finished": self._on_headers_finished,
            "on_part_data": self._on_part_data,
            "on_part_end": self._on_part_end,
            "on_end": self._on_end,
        }
        try:
            self._parser = MultipartParser(boundary, callbacks)
        except FormParserError as error:
            upload.discard()
            raise _malformed(error) from error

    def feed(self, block: bytes) -> None:
        """Take more of the body."""
        try:
            self._parser.write(block)
        except FormParserError as error:
            raise _malformed(error) from error

    def finish(self) -> None:
        """Raise UsageError unless the body came to its proper end."""
        if not self._complete:
            raise UsageError("The upload ended in the middle.", "Send it again.")

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name, self._value = b"", b""

    def _on_headers_finished(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition"))
        if b"filename" in options:
            self._field = None
            self._upload.begin_file(options[b"filename"].decode("utf-8", "replace"))
        else:
            self._field = options.get(b"name", b"").decode("utf-8", "replace")
            self._text.clear()

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._field is None:
            self._upload.write(data[start:end])
            return
        self._text += data[start:end]
        if len(self._text) > _LONGEST_FIELD:
            raise TooLarge(f"The field '{self._field[:80]}' is longer than {_LONGEST_FIELD} bytes.", _HINT)

    def _on_part_end(self) -> None:
        if self._field is None:
            self._upload.end_file()
            return
        self.form.fields.setdefault(self._field, []).append(self._text.decode("utf-8", "replace"))
        if sum(len(values) for values in self.form.fields.values()) > _MOST_FIELDS:
            raise TooLarge(f"The upload has more than {_MOST_FIELDS} fields.", _HINT)

    def _on_end(self) -> None:
        self._complete = True


def _boundary(request: Request) -> bytes:
    kind, options = parse_options_header(request.headers.get("content-type"))
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise UsageError("The body is no multipart/form-data.", _HINT)
    return options[b"boundary"]


def _refuse_long(size: int, most_bytes: int) -> None:
    if size > most_bytes:
        raise TooLarge(f"An upload may have {most_bytes >> 20} MB in all.", "Send fewer or smaller files at once.")


def _malformed(error: FormParserError) -> UsageError:
    return UsageError(f"The body is malformed: {error}.", _HINT)

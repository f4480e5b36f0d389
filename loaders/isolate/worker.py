"""The process that reads files for another one, so that a parser which crashes takes nothing else along.

It answers in JSON: what comes back from a process that met a hostile file is data, never code.
"""

import json
import logging
import os
import resource
import shutil
import signal
import sys
from collections.abc import Callable
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Thread
from time import sleep
from typing import Any

from kb_server.core.domain import Block, BlockKind, Document
from kb_server.core.errors import KbError
from loaders.isolate.progress import listening

_log = logging.getLogger(__name__)

Load = Callable[..., Document]


def serve(descriptor: int, target: str, memory: int, folder: str) -> None:
    """Take options, then answer requests `[path, name]` until the other side closes.

    `target` is "module:function", `memory` in bytes; `folder` is for temporary files, and goes when this process does.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that asks; it ends this one
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    Thread(target=_leave_with, args=(os.getppid(), folder), daemon=True).start()
    module, _, name = target.partition(":")
    load: Load = getattr(import_module(module), name)
    with Connection(descriptor) as connection:
        try:
            _send(connection, ["ready"])
            options = json.loads(connection.recv_bytes())
            while True:
                path, document = json.loads(connection.recv_bytes())
                _send(connection, _answer(load, Path(path), document, options, connection))
        except (EOFError, ConnectionError):
            shutil.rmtree(folder, ignore_errors=True)


def _leave_with(parent: int, folder: str) -> None:
    """End when the process that asks is gone, even in the middle of a file."""
    while os.getppid() == parent:
        sleep(1)
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)


def _answer(load: Load, path: Path, name: str, options: dict[str, Any], connection: Connection) -> list[Any]:
    try:
        with listening(lambda number, total: _send(connection, ["page", number, total])):
            return ["document", *pack(load(path, name, **options))]
    except KbError as error:
        return ["refused", error.code, error.message, error.hint]
    except MemoryError:
        return ["memory"]
    except RecursionError:
        return ["refused", "unreadable", f"'{name}' is nested too deeply to be read.", "Save it in a simpler form."]
    except Exception as error:  # noqa: BLE001 - the edge of this process: a parser's fault costs one file
        _log.info("Reading %r failed.", name, exc_info=True)
        return ["refused", "unreadable", f"'{name}' cannot be read: its reader failed ({_brief(error)}).", ""]


def _brief(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]


def _send(connection: Connection, answer: list[Any]) -> None:
    connection.send_bytes(json.dumps(answer).encode())


def pack(document: Document) -> list[Any]:
    """Return a document as JSON can hold it."""
    blocks = [[b.kind.value, b.start, b.end, b.page, list(b.heading_path)] for b in document.blocks]
    return [document.name, document.text, blocks, document.pages, dict(document.set_aside)]


def unpack(name: str, text: str, blocks: list[list[Any]], pages: int | None, set_aside: dict[str, int]) -> Document:
    """Undo `pack`."""
    made = (
        Block(kind=BlockKind(kind), start=start, end=end, page=page, heading_path=tuple(path))
        for kind, start, end, page, path in blocks
    )
    return Document(name=name, text=text, blocks=tuple(made), pages=pages, set_aside=set_aside)

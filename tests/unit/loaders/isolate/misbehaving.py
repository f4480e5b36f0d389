"""A loader that does what the file says: used from a worker process."""

import os
import time
from pathlib import Path
from tempfile import gettempdir

from kb_server.core.domain import Document
from kb_server.core.errors import LoadError
from loaders.builder import DocumentBuilder
from loaders.isolate.progress import page_done


def load(path: Path, name: str) -> Document:  # noqa: C901 - a case for each misbehaviour
    builder = DocumentBuilder(name)
    match path.read_text().split():
        case ["hang"]:
            (Path(gettempdir()) / "left behind").touch()
            while True:
                pass
        case ["crash"]:
            os.abort()
        case ["leave"]:
            os._exit(7)
        case ["eat"]:
            hoard = [bytearray(64 << 20) for _ in range(100)]
            builder.paragraph(str(len(hoard)))
        case ["refuse"]:
            raise LoadError("No.", "Try another.")
        case ["bug"]:
            raise TypeError("a fault\nin two lines")
        case ["slow", pages]:
            for number in range(int(pages)):
                time.sleep(0.2)
                page_done(number + 1, int(pages))
            print("printing does not disturb the protocol")  # noqa: T201
            builder.paragraph("slow but steady")
        case words:
            builder.heading(1, "Title")
            builder.paragraph(" ".join(words), page=3)
    return builder.build(pages=3)

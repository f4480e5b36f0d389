"""A process that reads files until Ctrl-C: `python -m tests.unit.ingest.interrupted_reading HOME FILE…`."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

from kb_server.bases.files import BaseFiles
from kb_server.core.domain import Document
from kb_server.ingest.ahead import ReadAhead
from kb_server.ingest.sources import SourceFile
from loaders.isolate.loader import IsolatedLoader, ReadLimits

TARGET = "tests.unit.loaders.isolate.misbehaving:load"


def main(home: str, *paths: str) -> None:
    """Say `reading` when a file is begun and `stopped` when Ctrl-C has ended it."""
    files = BaseFiles(Path(home), "base")
    files.make()
    loader = IsolatedLoader(ReadLimits(60), TARGET)

    def load(path: Path, name: str, on_page: Callable[[int, int], None]) -> Document:
        os.write(1, b"reading\n")  # in one piece: two threads say it at once
        return loader.load(path, name, on_page)

    sources = [SourceFile(Path(path), Path(path).name, 1) for path in paths]
    try:
        list(ReadAhead(load, files, 2, lambda *_: None).run(sources, {}))
    except KeyboardInterrupt:
        loader.close()
        print("stopped", flush=True)  # noqa: T201 - to the test


if __name__ == "__main__":
    main(*sys.argv[1:])

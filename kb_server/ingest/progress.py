"""How far a long piece of work has come, in a form a progress bar can draw."""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from kb_server.ingest.sources import SourceFile


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of `total` bytes are committed or passed over; `current` is the document at hand.

    `page` of its `pages` are read; both are 0 where it has none or they are read at once.
    """

    done: int
    total: int
    current: str
    page: int = 0
    pages: int = 0


OnProgress = Callable[[Progress], None]


class Meter:
    """Counts bytes and tells the listener, from whatever thread; what it tells never goes back."""

    def __init__(self, total: int, on_progress: OnProgress) -> None:
        self._total = total
        self._on_progress = on_progress
        self._done = 0
        self._shown = 0
        self._current = ""
        self._lock = Lock()

    def start(self, current: str) -> None:
        """Say which document is at hand."""
        self._current = current
        self._tell(0)

    def page(self, source: SourceFile, page: int, pages: int) -> None:
        """Say that pages of a document are read; called from threads that read ahead."""
        with self._lock:
            self._on_progress(Progress(self._shown, self._total, source.name, page, pages))

    def advance(self, size: int) -> None:
        """Count bytes as done."""
        self._done += size
        self._tell(0)

    def preview(self, size: int) -> None:
        """Show bytes that are nearly done, without counting them."""
        self._tell(size)

    def _tell(self, extra: int) -> None:
        with self._lock:
            self._shown = max(self._shown, self._done + extra)
            self._on_progress(Progress(self._shown, self._total, self._current))

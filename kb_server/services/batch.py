"""Documents on their way through ingestion together."""

from dataclasses import dataclass, field
from threading import Lock

from kb_server.catalog.arriving import Pending
from kb_server.services.progress import Meter


@dataclass(slots=True)
class Batch:
    """Documents whose rows are written, to be committed together; `size` is in bytes of their files."""

    meter: Meter
    pending: list[Pending] = field(default_factory=list)
    chunk_ids: list[int] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    size: int = 0
    _embedded: int = 0
    _lock: Lock = field(default_factory=Lock)

    def add(self, pending: Pending, size: int) -> None:
        """Take one more document in."""
        self.pending.append(pending)
        self.chunk_ids += pending.chunk_ids
        self.texts += pending.texts
        self.size += size

    def embedded(self, count: int) -> None:
        """Show on the progress bar that so many more chunks have their vector."""
        with self._lock:
            self._embedded += count
            self.meter.preview(self.size * self._embedded // len(self.texts))

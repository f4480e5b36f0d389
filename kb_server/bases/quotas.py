"""How much a knowledge base holds, and may hold."""

from collections.abc import Collection, Mapping

from kb_server.bases.files import BaseFiles
from kb_server.catalog.documents import Documents
from kb_server.core.errors import TooLarge

_HINT = "Remove some, or ask the administrator."


class Quota:
    """What is left of one base's quotas: `documents` in number, `size` in bytes of originals; None: no limit."""

    def __init__(self, rows: Documents, files: BaseFiles, documents: int | None, size: int | None) -> None:
        self._rows = rows
        self._files = files
        self._documents = documents
        self._size = size

    def check(self, names: Collection[str], size: int) -> None:
        """Raise TooLarge if documents of these names and this size in all would be too much.

        The bytes of a version that is to be replaced count as well: both lie there for a while.
        """
        if self._documents is not None and len(self._rows.names() | set(names)) > self._documents:
            raise TooLarge(f"This knowledge base may hold {self._documents} documents.", _HINT)
        if self._size is not None and self._held() + size > self._size:
            raise TooLarge(f"This knowledge base may hold {self._size >> 20} MB of originals.", _HINT)

    def _held(self) -> int:
        note_sizes(self._rows, self._files, self._rows.unsized())
        return self._rows.size()


def note_sizes(rows: Documents, files: BaseFiles, unsized: Mapping[int, str]) -> dict[int, int]:
    """Note in rows of an older version (id -> file) how many bytes their files have; returns what it noted."""
    sizes = {id_: size for id_, file in unsized.items() if (size := files.size(file)) is not None}
    rows.set_sizes(sizes)
    return sizes

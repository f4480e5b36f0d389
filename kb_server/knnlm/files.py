"""Errors of writing a datastore's files."""

from errno import EDQUOT, ENOSPC
from pathlib import Path

from kb_server.errors import StorageError, StorageFull


def unwritable(path: Path, error: OSError) -> StorageError:
    """Return what to say when a file cannot be written."""
    if error.errno in (ENOSPC, EDQUOT):
        return StorageFull(f"No space is left at '{path.parent}'.", "Free some space and run the same command again.")
    return StorageError(f"'{path}' cannot be written: {error.strerror}.", "Check the permissions of KB_HOME.")

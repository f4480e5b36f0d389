"""A file's bytes, or the reason why there are none."""

from pathlib import Path

from kb_server.core.errors import LoadError

MAX_BYTES = 200 * 1024 * 1024
"""A file larger than this is refused."""


def check_readable(path: Path, name: str) -> None:
    """Raise LoadError for what is no file of a sensible size."""
    try:
        size = path.stat().st_size
    except OSError as error:
        raise unreadable(name, error) from error
    if not path.is_file():
        kind = "a folder" if path.is_dir() else "no ordinary file"
        raise LoadError(f"'{name}' is {kind}.", "Give a file.")
    if size == 0:
        raise LoadError(f"'{name}' is empty.")
    if size > MAX_BYTES:
        raise LoadError(f"'{name}' has {size / 1024**2:.0f} MB; the limit is {MAX_BYTES // 1024**2} MB.", "Split it.")


def read_bytes(path: Path, name: str, limit: int = -1) -> bytes:
    """Return the file's bytes, only the first `limit` if that is given."""
    try:
        with path.open("rb") as file:
            return file.read(limit)
    except OSError as error:
        raise unreadable(name, error) from error


def unreadable(name: str, error: OSError) -> LoadError:
    """Say in a sentence why the system would not give the file."""
    if isinstance(error, FileNotFoundError):
        return LoadError(f"'{name}' does not exist.")
    if isinstance(error, IsADirectoryError):
        return LoadError(f"'{name}' is a folder.", "Give a file.")
    if isinstance(error, PermissionError):
        return LoadError(f"'{name}' may not be read.", "Change its permissions.")
    return LoadError(f"'{name}' could not be read: {error.strerror or error}.")

"""Folders for what is needed while a file is read; those of processes that were killed are removed by the next one."""

import os
import re
import shutil
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

_OWNED = re.compile(r"kb-[a-z]+-(\d+)-\w+")


def scratch(purpose: str) -> TemporaryDirectory[str]:
    """Make a folder named after its purpose and this process."""
    _tidied(tempfile.gettempdir())
    return TemporaryDirectory(prefix=f"kb-{purpose}-{os.getpid()}-", ignore_cleanup_errors=True)


@cache  # once in a process
def _tidied(place: str) -> None:
    for folder in Path(place).glob("kb-*-*-*"):
        owner = _OWNED.fullmatch(folder.name)
        with suppress(OSError):  # another process may be at the same
            if owner and folder.lstat().st_uid == os.geteuid() and _is_gone(int(owner[1])):
                shutil.rmtree(folder)


def _is_gone(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return True
    except PermissionError:
        pass
    return False

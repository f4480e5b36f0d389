"""Memory that was freed, given back to the machine."""

import ctypes
import sys
from collections.abc import Callable
from functools import cache


def give_back() -> None:
    """Hand free pages back, which glibc keeps by the hundred MB where many threads took them in turn."""
    trim = _trim()
    if trim is not None:
        trim(0)


@cache
def _trim() -> Callable[[int], int] | None:
    """Return glibc's malloc_trim; None where the C library is another."""
    if sys.platform != "linux":
        return None
    return getattr(ctypes.CDLL(None), "malloc_trim", None)

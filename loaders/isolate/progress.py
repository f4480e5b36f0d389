"""How far a loader has come within one file, told to the one who waits for it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

OnPage = Callable[[int, int], None]
"""Takes the number of pages that are read and how many there are."""

_LISTENER: ContextVar[OnPage | None] = ContextVar("page listener", default=None)


@contextmanager
def listening(listener: OnPage) -> Iterator[None]:
    """Have a listener told of the pages that loaders finish meanwhile."""
    token = _LISTENER.set(listener)
    try:
        yield
    finally:
        _LISTENER.reset(token)


def page_done(number: int, total: int) -> None:
    """Say that a page is read; loaders of long files call it, which also shows that they have not hung."""
    listener = _LISTENER.get()
    if listener is not None:
        listener(number, total)

"""Ending an answer at a stop string, of which nothing is ever shown."""

from collections.abc import Iterable, Iterator, Sequence


def until_stop(pieces: Iterable[str], stops: Sequence[str]) -> Iterator[str]:
    """Yield text up to the first of the stop strings; what may become one is held back until it is known."""
    held = ""
    for piece in pieces:
        held += piece
        found = [place for stop in stops if (place := held.find(stop)) >= 0]
        if found:
            if held[: min(found)]:
                yield held[: min(found)]
            return
        safe = len(held) - _beginning(held, stops)
        if safe:
            yield held[:safe]
            held = held[safe:]
    if held:
        yield held


def without_leading_space(pieces: Iterable[str]) -> Iterator[str]:
    """Leave out the white space that a chat model starts its answer with."""
    started = False
    for piece in pieces:
        shown = piece if started else piece.lstrip()
        started = started or bool(shown)
        if shown:
            yield shown


def _beginning(text: str, stops: Sequence[str]) -> int:
    """Return the length of the longest end of `text` that a stop string begins with."""
    lengths = (n for stop in stops for n in range(min(len(stop) - 1, len(text)), 0, -1) if text.endswith(stop[:n]))
    return max(lengths, default=0)

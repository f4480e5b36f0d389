"""From token ids to text, one token at a time."""

from collections.abc import Callable, Iterable, Iterator, Sequence


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


INCOMPLETE = "\ufffd"


class TextStream:
    """Turns ids into pieces of text whose sum is the text of all ids; special tokens leave no trace.

    A character that spans several tokens is held back until it is whole.
    """

    def __init__(self, decode: Callable[[Sequence[int]], str]) -> None:
        self._decode = decode
        self._ids: list[int] = []
        self._shown = 0

    def push(self, token_id: int) -> str:
        """Add a token; return the text it completes, which may be empty."""
        self._ids.append(token_id)
        text = self._decode(self._ids)
        return "" if text.endswith(INCOMPLETE) else self._advance(text)

    def flush(self) -> str:
        """Return what is held back, with the replacement character for bytes that never became a character."""
        return self._advance(self._decode(self._ids))

    def _advance(self, text: str) -> str:
        """Show what is new; keep the shown tokens as context, since a word's first token may hide its space."""
        piece = text[len(self._decode(self._ids[: self._shown])) :]
        self._ids = self._ids[self._shown :]
        self._shown = len(self._ids)
        return piece

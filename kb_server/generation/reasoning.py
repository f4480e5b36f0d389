"""Reasoning that a model writes before its answer, kept apart from it: what stands between <think> and </think>."""

from collections.abc import Iterable, Iterator

OPEN, CLOSE = "<think>", "</think>"


class ReasoningSplit:
    """Takes a model's pieces of text; yields those of the answer and keeps the reasoning in `reasoning`.

    Only an answer that starts with the mark has reasoning. `open` says that it never ended.
    """

    def __init__(self) -> None:
        self.reasoning = ""
        self.open = False

    def answer(self, pieces: Iterable[str]) -> Iterator[str]:
        """Yield the answer's pieces as they come; what may be a mark is held back until it is known."""
        held, thinking, started = "", False, False
        for piece in pieces:
            if started:
                yield piece
                continue
            held += piece
            if not thinking and not OPEN.startswith(held.lstrip()[: len(OPEN)]):
                started = True
                yield held
            elif held.lstrip().startswith(OPEN):
                thinking = self.open = True
                before, mark, after = held.partition(CLOSE)
                self.reasoning = before.lstrip().removeprefix(OPEN).strip()
                if mark and after.strip():
                    started, self.open = True, False
                    yield after.lstrip()
                self.open = self.open and not mark
        if not started and not thinking and held:
            yield held

"""Which document of a knowledge base holds a passage."""

from collections.abc import Callable, Sequence

from kb_server.generation.checking.support import normalised


class DocumentFinder:
    """Finds the document that a passage stands in, by its text; reads the base's texts when it is first asked."""

    def __init__(self, names: Sequence[str], text: Callable[[str], str]) -> None:
        self._names = names
        self._text = text
        self._by_text: dict[str, str] = {}

    def __call__(self, passage: str) -> str | None:
        """Return the name of the document with this passage, None if there is no such document."""
        if not self._by_text:
            self._by_text = {normalised(self._text(name)): name for name in self._names}
        wanted = normalised(passage)
        if wanted in self._by_text:
            return self._by_text[wanted]
        return next((name for text, name in self._by_text.items() if wanted and wanted in text), None)

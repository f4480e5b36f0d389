"""Answers, as they are kept and as they stream."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from webui.client.chunks import Hit
from webui.client.connection import Shape
from webui.client.traces import Trace


class Citation(Shape):
    """A quote that backs a sentence; `supported` says that the sentence's numbers and names stand in the chunk."""

    number: int
    knowledge_base: str = ""  # not there in answers kept long ago
    chunk_id: int
    document: str
    page: int | None
    start: int
    end: int
    quote: str
    supported: bool
    document_id: int | None = None  # not there in answers kept long ago


class Step(Shape):
    """A tool that an agent called, and what came back; None while it runs."""

    number: int
    tool: str
    arguments: dict[str, Any]
    result: str | None

    @property
    def call(self) -> str:
        """The call as one line."""
        return f"{self.tool}({', '.join(f'{name}={value!r}' for name, value in self.arguments.items())})"


class Answer(Shape):
    """An answer with what backs it."""

    answer: str
    refused: bool
    citations: list[Citation]
    hits: list[Hit]
    mode: str
    model: str | None
    timings_ms: dict[str, float]
    reasoning: str | None = None
    notes: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    knn_lm: Trace | None = None

    def citation(self, number: int) -> Citation | None:
        """Return the citation of this number."""
        return next((one for one in self.citations if one.number == number), None)

    def hit(self, citation: Citation) -> Hit | None:
        """Return the passage that a citation is from."""
        wanted = (citation.knowledge_base, citation.chunk_id)
        return next((one for one in self.hits if (one.knowledge_base, one.chunk_id) == wanted), None)


def events(lines: Iterable[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (name, data) of a stream of server-sent events."""
    name = "message"
    for line in lines:
        if line.startswith("event:"):
            name = line.removeprefix("event:").strip()
        elif line.startswith("data:"):
            yield name, json.loads(line.removeprefix("data:"))
            name = "message"

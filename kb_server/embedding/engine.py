"""What computes the vectors of a local model; an embedder has one and says what goes in."""

from collections.abc import Sequence
from typing import Protocol

from kb_server.ports import Vectors


class Engine(Protocol):
    """Computes vectors; threads may share one."""

    @property
    def description(self) -> str:
        """The program and its number format, such as `openvino bf16`."""
        ...

    def encode(self, texts: Sequence[str], prompt: str) -> Vectors:
        """Return float32 [n, dimension], unit length, of at least one text; `prompt` stands before each."""
        ...

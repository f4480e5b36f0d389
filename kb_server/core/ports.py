"""The protocols between the parts. A backend is one class in one file that has one of these shapes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from kb_server.core.answers import Message, Sampling
from kb_server.core.domain import Chunk, Document, Filter, Hit, SearchMode, Slice

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from langchain_core.language_models import BaseChatModel

    from kb_server.core.errors import KbError
    from kb_server.core.knn_lm import ModelIdentity

    Vectors = npt.NDArray[np.float32]


def __getattr__(name: str) -> object:
    """Make `Vectors` when a module that computes first asks for it: numpy takes a tenth of a second to import."""
    if name != "Vectors":
        raise AttributeError(name)
    import numpy as np
    import numpy.typing as npt

    globals()[name] = npt.NDArray[np.float32]
    return globals()[name]


class Loader(Protocol):
    """Reads one kind of file."""

    def load(self, path: Path, name: str) -> Document:
        """Read the file; raises LoadError with a reason a person understands. `name` becomes the document's name."""
        ...


class Splitter(Protocol):
    """Cuts a document into slices that are searched and cited."""

    def split(self, document: Document) -> list[Slice]:
        """Return slices in reading order; together they cover every block's text."""
        ...


class Embedder(Protocol):
    """Turns text into unit-length vectors."""

    @property
    def name(self) -> str:
        """What users call the model."""
        ...

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        ...

    @property
    def fingerprint(self) -> str:
        """Changes whenever vectors of the same text would: name, dimension, prompts, revision of the weights."""
        ...

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Embed texts as passages: float32 [n, dimension], unit length, in the order given."""
        ...

    def embed_query(self, text: str) -> Vectors:
        """Embed a question: float32 [dimension], unit length."""
        ...


class VectorStore(Protocol):
    """Ids and vectors, nothing else. Scores are (1 + cosine) / 2, so 0..1; ties go to the lower id.

    The class is made with `folder`, `dimension` and its options. Threads share an object. What says for `kb list` which
    index there is, without opening it, is a static method `describe(folder, **options)` if there is one; for our own
    stores it is a function in the registry, since lists wait for no numpy.
    """

    def add(self, ids: Sequence[int], vectors: Vectors) -> None:
        """Insert or replace. Raises StorageError for NaN, a wrong dimension, or ids and vectors that do not pair."""
        ...

    def delete(self, ids: Collection[int]) -> None:
        """Remove; ids that are not there are ignored."""
        ...

    def search(self, vector: Vectors, k: int, allowed: Collection[int] | None = None) -> list[tuple[int, float]]:
        """Return up to k (id, score), best first; only ids in `allowed` if it is given."""
        ...

    def vectors(self, ids: Sequence[int]) -> Vectors:
        """Return what was added: float32 [n, dimension] in the order of `ids`; raises KeyError for an unknown id."""
        ...

    def ids(self) -> set[int]:
        """Return every id in the store."""
        ...

    def __len__(self) -> int:
        """Number of vectors."""
        ...

    def flush(self) -> None:
        """Make everything added or deleted so far durable and visible to other processes."""
        ...

    def close(self) -> None:
        """Release files; not a flush."""
        ...

    def destroy(self) -> None:
        """Remove everything the store holds, wherever it is, and close."""
        ...


class LexicalIndex(Protocol):
    """Words of chunks, ranked by BM25. A score is the share of the question's term weight that the chunk holds."""

    def add(self, ids: Sequence[int], texts: Sequence[str]) -> None:
        """Insert or replace."""
        ...

    def delete(self, ids: Collection[int]) -> None:
        """Remove; ids that are not there are ignored."""
        ...

    def search(self, question: str, k: int, allowed: Collection[int] | None = None) -> list[tuple[int, float]]:
        """Return up to k (id, score in 0..1), best first; only ids in `allowed` if it is given."""
        ...

    def weights(self, question: str) -> dict[str, float]:
        """Return how much each different term of a question weighs: its inverse document frequency.

        In Chinese the question words weigh nothing, nor the pairs of characters across them.
        """
        ...

    def holding(self, term: str) -> set[int]:
        """Return the ids of the chunks that hold a term, as `terms` gives it."""
        ...

    def ids(self) -> set[int]:
        """Return every id in the index."""
        ...

    def __len__(self) -> int:
        """Number of chunks."""
        ...

    def flush(self) -> None:
        """Make everything added or deleted so far durable and visible to other processes."""
        ...

    def close(self) -> None:
        """Release files; not a flush."""
        ...

    def destroy(self) -> None:
        """Remove everything, wherever it is kept, and close."""
        ...


class ChunkSource(Protocol):
    """Where the chunks behind the ids come from: the catalog."""

    def by_vector(self, vector_ids: Sequence[int], filters: Filter | None = None) -> dict[int, Chunk]:
        """Return the searchable chunks behind these ids of the stores, each at a place that the filter allows."""
        ...

    def vector_ids(self, filters: Filter | None = None) -> list[int]:
        """Return the ids that the stores have for searchable chunks that the filter lets through, in order."""
        ...

    def vector_ids_of(self, ids: Sequence[int]) -> dict[int, int]:
        """Return by chunk id the id it is found by, which several may share; unknown ones are left out."""
        ...


class Retriever(Protocol):
    """Finds the chunks that a question is about."""

    def retrieve(
        self, question: str, k: int, filters: Filter | None = None, mode: SearchMode = SearchMode.HYBRID
    ) -> list[Hit]:
        """Return up to k hits of indexed documents, best first."""
        ...


class Reranker(Protocol):
    """Reads a question and a passage together."""

    @property
    def name(self) -> str:
        """What users call the model."""
        ...

    def score(self, question: str, passages: Sequence[str]) -> list[float]:
        """Return how well each passage answers the question, 0..1, in the order given."""
        ...


class Generator(Protocol):
    """A language model that writes."""

    @property
    def name(self) -> str:
        """What users call the model."""
        ...

    @property
    def context_window(self) -> int:
        """Most tokens that prompt and answer may have together."""
        ...

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """Return the exact length of the prompt made from these messages."""
        ...

    def stream(self, messages: Sequence[Message], sampling: Sampling) -> Iterator[str]:
        """Yield the answer piece by piece; closing the iterator stops the model."""
        ...


class TokenMixer(Protocol):
    """Takes part in choosing each token of one answer."""

    def mix(self, logits: Vectors, state: Vectors) -> npt.NDArray[np.float64] | None:
        """Return log-probabilities [vocabulary] to choose from instead of the logits, or None to leave those alone.

        `state` is the key-layer hidden state [size] before the token that is to be chosen.
        """
        ...

    def chosen(self, token: int) -> None:
        """Take note of the id that was chosen after `mix`."""
        ...


class NextTokenModel(Protocol):
    """A language model in this process whose hidden states can be read.

    Every method raises GenerationFailed if the model's architecture has no place that keys could be taken from.
    """

    def identity(self) -> ModelIdentity:
        """Return what the keys depend on."""
        ...

    def lead(self) -> list[int]:
        """Return the ids that a text by itself starts with: at least one."""
        ...

    def encode(self, text: str) -> list[int]:
        """Return the ids of plain text, without any special token."""
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids."""
        ...

    @property
    def context_window(self) -> int:
        """Most ids that can be read at once."""
        ...

    def states(self, ids: Sequence[int], last: int) -> Vectors:
        """Return the hidden state before each of the `last` ids: float32 [last, size]; `last` < len(ids)."""
        ...

    def score(self, ids: Sequence[int], last: int) -> tuple[Vectors, Vectors, Vectors]:
        """Return these states, the log-probability of each of the `last` ids, and the entropy (nats) before each."""
        ...


@runtime_checkable
class WithStates(Protocol):
    """A Generator in this process that lets its hidden states be read."""

    def next_token_model(self) -> NextTokenModel:
        """Return what reads them; raises GenerationFailed if the model's architecture has no place for keys."""
        ...


@runtime_checkable
class MixableGenerator(Protocol):
    """A Generator that lets a mixer take part in choosing each token, or that stands before one."""

    def stream_mixed(self, messages: Sequence[Message], sampling: Sampling, mixer: TokenMixer) -> Iterator[str]:
        """Do what `stream` does, with a mixer of this one answer; raises UsageError if the model cannot."""
        ...


@runtime_checkable
class ToolCalling(Protocol):
    """A Generator whose model can be handed to LangChain's agents."""

    def chat_model(self, sampling: Sampling) -> BaseChatModel:
        """Return LangChain's own model, which samples in this way."""
        ...

    def client_failures(self) -> tuple[type[Exception], ...]:
        """Return the errors that the model raises when its server fails it."""
        ...

    def failure(self, error: Exception) -> KbError:
        """Return what one of these means to a user."""
        ...

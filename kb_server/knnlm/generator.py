"""A language model that writes one answer together with a knowledge base's datastore."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from kb_server.core.answers import Message, Sampling
from kb_server.core.domain import Chunk, Filter
from kb_server.core.knn_lm import KnnAsk, KnnTrace, needs_states
from kb_server.core.ports import Generator, MixableGenerator
from kb_server.knnlm.datastore.passages import Span
from kb_server.knnlm.knn_lm import KnnLm


class MixedGenerator:
    """A Generator for one answer; `trace` says afterwards where its tokens came from.

    Raises UsageError for a generator that nothing can be mixed into.
    """

    def __init__(
        self,
        generator: Generator,
        knn: KnnLm,
        passages: Sequence[Chunk],
        asked: KnnAsk,
        filters: Filter | None = None,
        parts: Sequence[Span] | None = None,
    ) -> None:
        if not isinstance(generator, MixableGenerator):
            raise needs_states(generator.name)
        self._generator = generator
        self._stream_mixed = generator.stream_mixed
        self._knn = knn
        self._mixer, self._reason = knn.mixer(passages, asked, filters, parts)

    @property
    def name(self) -> str:
        """What users call the model."""
        return self._generator.name

    @property
    def context_window(self) -> int:
        """Most tokens that prompt and answer may have together."""
        return self._generator.context_window

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """Return the exact length of the prompt made from these messages."""
        return self._generator.count_tokens(messages)

    def stream(self, messages: Sequence[Message], sampling: Sampling) -> Iterator[str]:
        """Yield the answer piece by piece."""
        return self._stream_mixed(messages, sampling, self._mixer)

    def trace(self) -> KnnTrace:
        """Return where each token came from."""
        return replace(self._mixer.trace(self._knn.chunks), reason=self._reason)

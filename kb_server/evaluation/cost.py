"""What the tokens of a run cost."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from kb_server.core.answers import Message, Sampling
from kb_server.core.errors import UsageError
from kb_server.core.knn_lm import needs_states
from kb_server.core.ports import Generator, MixableGenerator, TokenMixer, ToolCalling


class MeteredGenerator:
    """A Generator in front of another that counts the tokens of prompts and answers, for each thread apart."""

    def __init__(self, generator: Generator) -> None:
        self._generator = generator
        self._counts = threading.local()

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
        """Yield the answer piece by piece, and count what was read and written."""
        return self._counted(messages, self._generator.stream(messages, sampling))

    def stream_mixed(self, messages: Sequence[Message], sampling: Sampling, mixer: TokenMixer) -> Iterator[str]:
        """Do what `stream` does, with a mixer; raises UsageError if the model behind this one takes none."""
        if not isinstance(self._generator, MixableGenerator):
            raise needs_states(self.name)
        return self._counted(messages, self._generator.stream_mixed(messages, sampling, mixer))

    def take(self) -> dict[str, int]:
        """Return this thread's counts since it last asked: `prompt` and `answer`; empty if the model was not asked."""
        counts = dict(vars(self._counts))
        vars(self._counts).clear()
        return counts

    def _counted(self, messages: Sequence[Message], pieces: Iterator[str]) -> Iterator[str]:
        written: list[str] = []
        try:
            for piece in pieces:
                written.append(piece)
                yield piece
        finally:
            self._counts.prompt = self.count_tokens(messages)
            self._counts.answer = self._written("".join(written))

    def _written(self, text: str) -> int:
        """Return the tokens of an answer: what it adds to a prompt that holds it."""
        empty = self.count_tokens([Message("user", "."), Message("assistant", "")])
        return max(self.count_tokens([Message("user", "."), Message("assistant", text)]) - empty, 0)


class MeteredToolCaller(MeteredGenerator):
    """One whose model can be handed to an agent, which asks it without this meter: its tokens are not counted."""

    def __init__(self, generator: Generator, caller: ToolCalling) -> None:
        super().__init__(generator)
        self.chat_model = caller.chat_model
        self.client_failures = caller.client_failures
        self.failure = caller.failure


def metered_generator(generator: Generator) -> MeteredGenerator:
    """Return a meter before a generator that can do what the generator can."""
    if isinstance(generator, ToolCalling):
        return MeteredToolCaller(generator, generator)
    return MeteredGenerator(generator)


_A_PRICE_IS_FOR = 1_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """Of a million tokens read (`prompt`) and written (`answer`), in whatever currency."""

    prompt: float
    answer: float

    def of(self, tokens: Mapping[str, int]) -> float:
        """Return what so many tokens cost."""
        return (tokens.get("prompt", 0) * self.prompt + tokens.get("answer", 0) * self.answer) / _A_PRICE_IS_FOR


def parse_price(text: str) -> Price:
    """Read `0.5/1.5`; raises UsageError."""
    prompt, _, answer = text.partition("/")
    try:
        price = Price(float(prompt), float(answer))
    except ValueError as error:
        raise UsageError(
            f"'{text}' is no price.", "Write that of a million tokens read and written: 0.5/1.5"
        ) from error
    if not 0 <= price.prompt < float("inf") or not 0 <= price.answer < float("inf"):
        raise UsageError(f"'{text}' is no price.", "Both numbers are 0 or more.")
    return price

"""The words of answering: what is asked of a model, what it answers, and the events on the way."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from kb_server.core.domain import Hit
from kb_server.core.knn_lm import KnnTrace


class AnswerMode(StrEnum):
    """How an answer is made: written by a language model, the best sentences verbatim, or by a model with tools."""

    GENERATE = "generate"
    EXTRACT = "extract"
    AGENT = "agent"


class EngineKind(StrEnum):
    """Which program computes embeddings; `auto` is the faster of those that give the same vectors on this machine."""

    AUTO = "auto"
    TORCH = "torch"
    OPENVINO = "openvino"


class Quantization(StrEnum):
    """How a language model's weights are kept in memory; nf4 and int4 take 4 bits each."""

    NONE = "none"
    INT8 = "int8"
    INT4 = "int4"
    NF4 = "nf4"


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation; `role` is `system`, `user` or `assistant`."""

    role: str
    content: str


_COLDEST = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How the next token is chosen; a temperature below 1e-6 is greedy, as 0 is. `top_k` 0 keeps all tokens.

    A `repetition_penalty` above 1 makes tokens of the prompt and the answer so far less likely (Keskar et al. 2019,
    CTRL, section 4.1). The answer ends before the first of the `stop` strings.
    """

    max_tokens: int = 256
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0
    top_k: int = 0
    repetition_penalty: float = 1.0
    stop: tuple[str, ...] = ()

    @property
    def greedy(self) -> bool:
        """Whether the likeliest token is always chosen; logits divided by so little would not be finite."""
        return self.temperature < _COLDEST


@dataclass(frozen=True, slots=True)
class Technique:
    """How a written answer is asked for.

    `reasoning`: the model thinks first, apart from the answer. `samples`: how many answers are drawn, of which the
    one that most agree on is given.
    """

    reasoning: bool = False
    samples: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """A quote that backs the answer's sentence marked `[number]`.

    `start` and `end` are the quote's offsets in the document, or those of its whole passage if that was `edited`: the
    quote is then a person's wording and stands nowhere in the document. `supported` says that the numbers, dates and
    names of the sentence occur in the cited chunk. `document_id` is the version of the document it is from, None in an
    answer that was kept by a program that did not say it yet. `base` names the knowledge base of the document.
    """

    number: int
    chunk_id: int
    document: str
    page: int | None
    start: int
    end: int
    quote: str
    supported: bool
    edited: bool = False
    base: str = ""
    document_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What a model did on its way to an answer: a tool it called, and what that gave back (None: not yet)."""

    number: int
    tool: str
    arguments: Mapping[str, Any]
    result: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer with what backs it. `timings_ms` has `retrieve`, `first_token` and `total`.

    `reasoning` is what the model thought before it, `agreement` the share of samples that said the same, `notes` what
    the reader should know, such as passages that did not fit into the model's window, `knn` where each token came from
    if kNN-LM took part. `confidence` is how sure one can be, 0..1, that the base holds the answer. `prompt` names the
    one that was asked for.
    """

    text: str
    refused: bool
    citations: tuple[Citation, ...]
    hits: tuple[Hit, ...]
    mode: AnswerMode
    model: str | None
    timings_ms: Mapping[str, float]
    reasoning: str | None = None
    agreement: float | None = None
    notes: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    knn: KnnTrace | None = None
    confidence: float | None = None
    prompt: str | None = None


@dataclass(frozen=True, slots=True)
class Retrieved:
    """First event of an answer: the passages it will be made from."""

    hits: tuple[Hit, ...]


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the answer's text, in order."""

    text: str


@dataclass(frozen=True, slots=True)
class Done:
    """Last event of an answer."""

    answer: Answer


AnswerEvent = Retrieved | Step | Token | Done

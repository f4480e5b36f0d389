"""A model on OpenVINO: on CPUs with bf16 three times as fast as PyTorch, and started in half a second without it."""

import warnings
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Condition, Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kb_server.core.ports import Vectors
from kb_server.embedding.bert_network import BLOCK, runtime
from kb_server.embedding.token_ids import HubTokenIds, TokenIds
from kb_server.runtime.quiet import quiet

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_AT_ONCE = 16  # texts; more at once gains nothing on a CPU, and mixes lengths

_FEW_AT_ONCE = 4  # of few texts, as an answer's sentences are: so that single ones soon have a core

_SORTED_TOGETHER = 256  # texts

_GIVES_WAY_SECONDS = 0.1  # that a batch waits for single texts at most

INT8 = "int8"

_THREADS_A_STREAM = 4  # at most; below, a thread has a batch of its own

# OpenVINO makes tables at its first tensor, under a lock of C++ inside which it lets go of Python's. Two threads with
# their first tensors at once wait for each other for ever; so every engine makes one before others may use it.
_FIRST_USE = Lock()

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Converted:
    """A model as OpenVINO reads it, with its tokenizer; `inputs` are the names of its inputs, `padding` a token."""

    network: Any
    tokens: TokenIds
    inputs: tuple[str, ...]
    padding: int


class OpenVinoEngine:
    """An Engine on a converted model; `precision` is f32, bf16, f16, or int8 for a network whose weights are integers.

    With int8 the inputs of a layer are rounded to 8 bits too, block by block, and all between is computed in the
    shortest floats that the processor has.

    Texts are sorted by length and computed a few at a time, each thread on a batch of its own. Several callers share
    the threads batch by batch; a single text, as a question is, waits for nobody: one stream more is kept for those,
    and no batch begins while one is at work.
    """

    def __init__(self, converted: Converted, precision: str, threads: int, batch_size: int = _AT_ONCE) -> None:
        self._converted = converted
        self._precision = precision
        self._batch_size = min(batch_size, _AT_ONCE)
        self._streams = threads if threads <= _THREADS_A_STREAM else -(-threads // _THREADS_A_STREAM)
        self._compiled = (
            runtime()
            .Core()
            .compile_model(
                converted.network,
                "CPU",
                {
                    **_number_format(precision),
                    "INFERENCE_NUM_THREADS": str(threads + -(-threads // self._streams)),
                    "NUM_STREAMS": str(self._streams + 1),
                    "ENABLE_CPU_PINNING": "NO",  # other processes have the same cores
                },
            )
        )
        self._idle: SimpleQueue[Any] = SimpleQueue()
        self._singles = 0
        self._none_single = Condition()
        self._pool = ThreadPoolExecutor(self._streams, thread_name_prefix="embedding")
        with _FIRST_USE:
            self.encode([""], "")

    @property
    def description(self) -> str:
        """Program and number format."""
        return f"openvino {self._precision}"

    def encode(self, texts: Sequence[str], prompt: str) -> Vectors:
        """See `Engine.encode`."""
        found = [(rows, vectors) for rows, vectors in self._computed(self._batches(texts, prompt), len(texts))]
        ordered = np.empty((len(texts), found[0][1].shape[1]), np.float32)
        for rows, vectors in found:
            ordered[rows] = vectors
        return np.asarray(ordered / np.maximum(np.linalg.norm(ordered, axis=1, keepdims=True), 1e-12), np.float32)

    def _batches(self, texts: Sequence[str], prompt: str) -> Iterator[tuple[Rows, dict[str, Rows]]]:
        """Yield row numbers and inputs of texts of about the same length."""
        size = min(self._batch_size, max(_FEW_AT_ONCE, len(texts) // _AT_ONCE))
        for start in range(0, len(texts), _SORTED_TOGETHER):
            window = [prompt + text for text in texts[start : start + _SORTED_TOGETHER]]
            tokens = self._converted.tokens.encode(window)
            order = sorted(range(len(window)), key=lambda row: len(tokens[row]))
            for first in range(0, len(order), size):
                rows = order[first : first + size]
                yield np.array(rows, np.int64) + start, self._inputs([tokens[row] for row in rows])

    def _inputs(self, tokens: Sequence[Sequence[int]]) -> dict[str, Rows]:
        shape = (len(tokens), max(len(tokens[-1]), 1))
        made = {name: np.zeros(shape, np.int64) for name in self._converted.inputs}
        made["input_ids"][:] = self._converted.padding
        for row, ids in enumerate(tokens):
            made["input_ids"][row, : len(ids)] = ids
            made["attention_mask"][row, : len(ids)] = 1
        return made

    def _computed(self, batches: Iterable[tuple[Rows, dict[str, Rows]]], count: int) -> Iterator[tuple[Rows, Vectors]]:
        if count == 1:
            with self._hurrying():
                yield from map(self._infer, batches)
            return
        waiting: deque[Future[tuple[Rows, Vectors]]] = deque()
        for batch in batches:
            waiting.append(self._pool.submit(self._infer_later, batch))
            if len(waiting) > 2 * self._streams:  # so few that other callers' batches soon have their turn
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()

    @contextmanager
    def _hurrying(self) -> Iterator[None]:
        """Keep batches from beginning meanwhile."""
        with self._none_single:
            self._singles += 1
        try:
            yield
        finally:
            with self._none_single:
                self._singles -= 1
                if not self._singles:
                    self._none_single.notify_all()

    def _infer_later(self, batch: tuple[Rows, dict[str, Rows]]) -> tuple[Rows, Vectors]:
        """Compute a batch once no single text is at work, or after a while: where they never end, it has a turn too."""
        with self._none_single:
            self._none_single.wait_for(lambda: not self._singles, _GIVES_WAY_SECONDS)
        return self._infer(batch)

    def _infer(self, batch: tuple[Rows, dict[str, Rows]]) -> tuple[Rows, Vectors]:
        rows, inputs = batch
        try:
            request = self._idle.get_nowait()
        except Empty:
            request = self._compiled.create_infer_request()
        request.infer(inputs, share_inputs=True)
        vectors = np.array(request.get_output_tensor(0).data, np.float32)
        self._idle.put(request)
        return rows, vectors


def float_formats() -> list[str]:
    """Return the formats of floats that this processor has instructions for, the shortest first."""
    able = runtime().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return [short for long, short in (("BF16", "bf16"), ("FP16", "f16"), ("FP32", "f32")) if long in able]


def _number_format(precision: str) -> dict[str, str]:
    if precision != INT8:
        return {"INFERENCE_PRECISION_HINT": precision}
    return {"INFERENCE_PRECISION_HINT": float_formats()[0], "DYNAMIC_QUANTIZATION_GROUP_SIZE": str(BLOCK)}


INPUTS = ("input_ids", "attention_mask", "token_type_ids")


class NotConvertible(Exception):
    """A model that OpenVINO would not compute as it is meant, or cannot read; the message says why."""


def convert(model: "SentenceTransformer") -> Converted:
    """Trace the whole model, pooling and later layers included; raises NotConvertible."""
    runtime()  # before anything else imports OpenVINO
    tokenizer: Any = model.tokenizer
    if not hasattr(tokenizer, "backend_tokenizer"):
        raise NotConvertible("it has no fast tokenizer")
    if getattr(tokenizer, "padding_side", "right") != "right" or tokenizer.pad_token_id is None:
        raise NotConvertible("it is not padded on the right")
    if any(not getattr(module, "include_prompt", True) for module in model):
        raise NotConvertible("its pooling leaves the prompt out")
    names = tuple(name for name in INPUTS if name in tokenizer.model_input_names)
    network = _traced(model, tokenizer, names)
    return Converted(network, _tokens(tokenizer, model), names, int(tokenizer.pad_token_id))


def _traced(model: "SentenceTransformer", tokenizer: Any, names: tuple[str, ...]) -> Any:  # noqa: ANN401 - untyped libraries
    import torch
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    class Whole(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = model

        def forward(self, *values: torch.Tensor) -> torch.Tensor:
            vector: torch.Tensor = self.inner(dict(zip(names, values, strict=True)))["sentence_embedding"]
            return vector

    example = tokenizer(["one two three", "four"], padding=True, return_tensors="pt")
    try:
        with quiet(), warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # tracing warns of every shape it takes for constant; what comes is checked
            decoder = TorchScriptPythonDecoder(Whole().eval(), example_input=tuple(example[name] for name in names))
            frontend = FrontEndManager().load_by_framework("pytorch")
            network = frontend.convert(frontend.load(decoder))
    except (RuntimeError, ValueError, TypeError, KeyError) as error:
        raise NotConvertible(f"it cannot be traced ({type(error).__name__})") from error
    for port, name in zip(network.inputs, names, strict=True):
        port.get_tensor().set_names({name})
    return network


def _tokens(tokenizer: Any, model: "SentenceTransformer") -> TokenIds:  # noqa: ANN401 - untyped library
    """Return a copy of the tokenizer that cuts at the model's length."""
    from tokenizers import Tokenizer

    limit = int(model.max_seq_length or tokenizer.model_max_length)
    return HubTokenIds(Tokenizer.from_str(tokenizer.backend_tokenizer.to_str()), limit)

"""A GGUF file run by llama.cpp inside this process; the quickest engine on a CPU.

Prompts are token ids made here: by ChatGLM's rules for files that say they are ChatGLM, else by the chat template in
the file. A file without one is refused, since llama.cpp would silently use llama-2's.
"""

import threading
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

from kb_server.core.answers import Message, Sampling
from kb_server.core.errors import GenerationFailed, MissingExtra, ModelNotFound, NotEnoughMemory, PromptTooLong
from kb_server.llm.decoding.text import TextStream, until_stop, without_leading_space
from kb_server.llm.engines.gguf_codec import GgufCodec, gguf_codec
from kb_server.llm.model_files import find_gguf
from kb_server.llm.weights.memory import free_memory, gib

INSTALL = "Run: pip install 'kb-server[gguf]' (it compiles llama.cpp, about ten minutes)."
_BATCH = 512  # tokens of a prompt read at once
_BESIDE = 1.1  # memory beside the weights: buffers of the computation


class LlamaCppGenerator:
    """A Generator on a GGUF file. The model is loaded at first use, by one thread; answers are made one at a time.

    `window` limits prompt and answer (null: 4,096, or the model's if that is less); its keys and values are allocated
    at once. `device` is `auto`, `cpu` or `cuda`. What a prompt has in common with the one before it is not read again.
    """

    def __init__(self, model: str, device: str = "auto", threads: int | None = None, window: int | None = None) -> None:
        self._model = model
        self._device = device
        self._threads = threads
        self._window = window
        self._turn = threading.Semaphore(1)
        self._lock = threading.Lock()
        self._ready: tuple[Any, GgufCodec] | None = None

    @property
    def name(self) -> str:
        """What users call the model."""
        return Path(self._model).stem

    @property
    def context_window(self) -> int:
        """Most tokens that prompt and answer may have together; loads the model."""
        return int(self._loaded()[0].n_ctx())

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """Return the exact length of the prompt made from these messages; loads the model."""
        return len(self._loaded()[1].encode(messages))

    def stream(self, messages: Sequence[Message], sampling: Sampling) -> Iterator[str]:
        """Yield the answer piece by piece; closing the iterator stops the model before its next token.

        Raises PromptTooLong if the prompt leaves no room in the window.
        """
        model, codec = self._loaded()
        prompt = codec.encode(messages)
        room = model.n_ctx() - len(prompt)
        if room < 1:
            raise PromptTooLong(
                f"The prompt has {len(prompt)} tokens, and the model '{self.name}' has a window of {model.n_ctx()}.",
                "Ask with fewer passages, or raise generation.window.",
            )
        with self._turn:
            tokens = _tokens(model, codec, prompt, sampling, min(sampling.max_tokens, room))
            try:
                yield from until_stop(without_leading_space(_pieces(codec, tokens)), sampling.stop)
            finally:
                tokens.close()

    def _loaded(self) -> tuple[Any, GgufCodec]:
        if self._ready is None:
            with self._lock:
                self._ready = self._ready or self._load()
        return self._ready

    def _load(self) -> tuple[Any, GgufCodec]:
        try:
            from llama_cpp import Llama
        except ImportError as error:
            raise MissingExtra(f"GGUF files need the package '{error.name}'.", INSTALL) from error
        file = find_gguf(self._model)
        _check(file)
        try:
            model = Llama(
                model_path=str(file),
                n_ctx=self._window or 4096,
                n_batch=_BATCH,
                n_threads=self._threads,
                n_gpu_layers=0 if self._device == "cpu" else -1,
                use_mmap=False,
                verbose=False,
            )
        except (ValueError, OSError) as error:
            raise GenerationFailed(
                f"The GGUF file '{file}' cannot be loaded by llama.cpp: {error}.",
                "Download it again; an older llama-cpp-python may not know its architecture.",
            ) from error
        return model, gguf_codec(model)


def _check(file: Path) -> None:
    """Raise for what is no GGUF file, and for one that the memory does not hold."""
    with file.open("rb") as opened:
        if opened.read(4) != b"GGUF":
            raise ModelNotFound(f"'{file}' is not a GGUF file.", "Download it again, or convert the model's folder.")
    needed, free = int(file.stat().st_size * _BESIDE), free_memory("cpu")
    if needed > free:
        raise NotEnoughMemory(
            f"The model '{file.name}' needs {gib(needed)}; {gib(free)} are free.",
            "Close other programs, or use a smaller file (q4_0 is about a quarter of f16).",
        )


def _tokens(
    model: Any,  # noqa: ANN401 - llama_cpp has no types
    codec: GgufCodec,
    prompt: list[int],
    sampling: Sampling,
    limit: int,
) -> Generator[int, None, None]:
    """Yield up to `limit` ids, without the one that ends the answer."""
    model.set_seed(sampling.seed)
    made = model.generate(
        prompt,
        top_k=1 if sampling.greedy else sampling.top_k,
        top_p=sampling.top_p,
        min_p=0.0,
        temp=0.0 if sampling.greedy else sampling.temperature,
        repeat_penalty=sampling.repetition_penalty,
    )
    for _ in range(limit):
        token = next(made)
        if token in codec.ends:
            return
        yield token


def _pieces(codec: GgufCodec, tokens: Iterator[int]) -> Iterator[str]:
    text = TextStream(codec.decode)
    for token in tokens:
        if piece := text.push(token):
            yield piece
    if rest := text.flush():
        yield rest

"""A GGUF file run by llama.cpp inside this process; the quickest engine on a CPU.

Prompts are token ids made here: by ChatGLM's rules for files that say they are ChatGLM, else by the chat template in
the file. A file without one is refused, since llama.cpp would silently use llama-2's.
"""

import re
import threading
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from kb_server.core.answers import Message, Sampling
from kb_server.core.errors import GenerationFailed, MissingExtra, ModelNotFound, NotEnoughMemory, PromptTooLong
from kb_server.llm.chatglm.codecs import codec_of
from kb_server.llm.chatglm.layouts import MARK, Layout
from kb_server.llm.decoding.codec import Codec, clean
from kb_server.llm.decoding.text import TextStream, until_stop, without_leading_space
from kb_server.llm.model_files import find_gguf
from kb_server.llm.weights.memory import free_memory, gib

_TEMPLATE = "tokenizer.chat_template"


@dataclass(frozen=True, slots=True)
class GgufCodec:
    """A codec and the ids that end an answer."""

    codec: Codec
    ends: frozenset[int]

    def encode(self, messages: Sequence[Message]) -> list[int]:
        """Return the prompt's token ids."""
        return self.codec.encode(messages)

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids."""
        return self.codec.decode(ids)


def gguf_codec(model: Any) -> GgufCodec:  # noqa: ANN401 - llama_cpp has no types
    """Return the codec of a loaded model; raises GenerationFailed if its file does not say how prompts are made."""
    words = _Vocabulary(model)
    if layout := model.metadata.get(MARK):
        codec: Codec = codec_of(Layout(layout), words.ids, words.text, words.special)
    elif template := model.metadata.get(_TEMPLATE):
        codec = _TemplateCodec(words, template)
    else:
        raise GenerationFailed(
            f"The GGUF file '{model.model_path}' has no chat template, and guessing one would spoil the answers.",
            "Use a file of a chat model that has one, or one that `kb models convert` made.",
        )
    return GgufCodec(codec, words.ends())


class _Vocabulary:
    """llama.cpp's tokenizer; special tokens are found only where they are asked for."""

    def __init__(self, model: Any) -> None:  # noqa: ANN401 - see above
        self._model = model
        self._size = model.n_vocab()

    def ids(self, text: str, special: bool = False) -> list[int]:
        found = self._model.tokenize(clean(text).encode(), add_bos=False, special=special) if text else []
        return [int(id_) for id_ in found]

    def text(self, ids: Sequence[int]) -> str:
        """Return the text of ids; bytes that are no character yet become U+FFFD."""
        return str(self._model.detokenize(list(ids), special=False).decode("utf-8", "replace"))

    def special(self, token: str) -> int | None:
        """Return the id of a special token by its name."""
        ids = self.ids(token, special=True)
        named = [id_ for id_ in ids if self._shown(id_) == token]
        return named[0] if named else None

    def ends(self) -> frozenset[int]:
        """Return every control token: none of them is part of a text."""
        import llama_cpp

        vocabulary = llama_cpp.llama_model_get_vocab(self._model.model)
        return frozenset(
            id_
            for id_ in range(self._size)
            if llama_cpp.llama_vocab_is_eog(vocabulary, id_) or llama_cpp.llama_vocab_is_control(vocabulary, id_)
        )

    def _shown(self, id_: int) -> str:
        return str(self._model.detokenize([id_], special=True).decode("utf-8", "replace")).strip()


class _TemplateCodec:
    """Renders the file's template around placeholders, and encodes what stands in their places as plain text."""

    def __init__(self, words: _Vocabulary, template: str) -> None:
        from jinja2.sandbox import ImmutableSandboxedEnvironment

        environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
        environment.globals |= {"raise_exception": _refuse, "strftime_now": lambda form: datetime.now().strftime(form)}
        self._template = environment.from_string(template)
        self._words = words

    def encode(self, messages: Sequence[Message]) -> list[int]:
        """Return the prompt's ids; raises GenerationFailed if the template refuses the conversation."""
        contents = {f"kb{uuid4().hex}": message.content for message in messages}
        turns = [{"role": m.role, "content": key} for m, key in zip(messages, contents, strict=True)]
        rendered = self._render(turns)
        ids: list[int] = []
        for part in re.split(f"({'|'.join(contents)})", rendered):
            ids += self.encode_content(contents[part]) if part in contents else self._words.ids(part, special=True)
        return ids

    def encode_content(self, text: str) -> list[int]:
        """Return the ids of plain text."""
        return self._words.ids(text)

    def lead(self) -> list[int]:
        """Return nothing: llama.cpp's models are only asked to answer."""
        return []

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids."""
        return self._words.text(ids)

    def _render(self, turns: list[dict[str, str]]) -> str:
        from jinja2 import TemplateError

        try:
            return str(self._template.render(messages=turns, add_generation_prompt=True, bos_token="", eos_token=""))
        except TemplateError as error:
            raise GenerationFailed(f"The model's chat template refuses this conversation: {error}.") from error


def _refuse(reason: str) -> None:
    from jinja2 import TemplateError

    raise TemplateError(reason)


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

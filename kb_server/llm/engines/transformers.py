"""A language model inside this process, run by transformers: a local folder, or a GGUF file in it.

Measured with SmolLM2-135M on 2 cores with AVX512-BF16: bfloat16 writes 22 tokens/s after a prompt of 50 tokens and
14.5 after 1,000 (float32: 14 and 13), and reads 1,000 tokens in 1.2 s (float32: 2.0 s). So bfloat16 is used where the
processor computes in it, float32 elsewhere.
"""

import threading
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from kb_server.core.answers import Message, Quantization, Sampling
from kb_server.core.errors import GenerationFailed, MissingExtra, ModelNotFound, PromptTooLong
from kb_server.core.ports import NextTokenModel, TokenMixer
from kb_server.llm.decoding.prefix_cache import PrefixCache
from kb_server.llm.decoding.text import TextStream, until_stop, without_leading_space
from kb_server.llm.model_files import ModelPlace, find_model_place
from kb_server.llm.weights.loading import LoadedModel, fast_dtype, load_folder
from kb_server.runtime.quiet import quiet


class PrefixModel:
    """A model with P-Tuning v2: trained keys and values stand before the prompt, so only the first call adds them."""

    def __init__(self, peft: Any) -> None:  # noqa: ANN401 - half of what is called on a model has no types
        self._peft = peft
        self._base = peft.get_base_model()
        self.config = self._base.config
        self.device = self._base.device

    def forward(self, past_key_values: Any = None, **asked: Any) -> Any:  # noqa: ANN401 - see above
        """Read ids as the base model does."""
        if past_key_values is None:
            return self._peft(**asked)
        return self._base(past_key_values=past_key_values, **asked)

    __call__ = forward


def adapted(model: Any, folder: Path) -> Any:  # noqa: ANN401 - see above
    """Return the model with the adapter in `folder`.

    An adapter is refused if it was made for tensors the model does not have (the published ChatGLM names, say).
    """
    if not (folder / "adapter_config.json").is_file():
        raise ModelNotFound(
            f"The adapter '{folder}' is not there or was not saved by peft: it has no adapter_config.json.",
            "Give the folder that model.save_pretrained wrote.",
        )
    try:
        from peft import PeftModel
    except ImportError as error:
        raise MissingExtra(
            f"Adapters need the package '{error.name}'.", "Run: pip install 'kb-server[adapters]'"
        ) from error
    if not (folder / "adapter_model.safetensors").is_file():
        raise GenerationFailed(
            f"The adapter '{folder}' has no adapter_model.safetensors; other files are not loaded.",
            "Save it again with safe_serialization=True.",
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # peft and transformers are not always of one age
            made = PeftModel.from_pretrained(model, str(folder), is_trainable=False).eval()
    except (ValueError, RuntimeError, KeyError) as error:
        raise GenerationFailed(
            f"The adapter '{folder}' does not fit the model: {str(error).splitlines()[0]}",
            "Adapters are named after the native classes: for ChatGLM2 and 3 those of `kb models convert`; layers "
            "in int4 take none, so use nf4.",
        ) from error
    return PrefixModel(made) if made.active_peft_config.is_prompt_learning else made.get_base_model()


INSTALL = "Run: pip install 'kb-server[generate]'"

_MIB = 1024**2


class TransformersGenerator:
    """A Generator on a model that `find_model_place` finds. The model is loaded at first use, by one thread.

    `device` is `auto` (CUDA if there is one), or what torch calls it. `threads` sets torch's threads for the whole
    process. With `cache`, a GGUF file is converted once and the result kept there (2 bytes a parameter). `adapter` is a
    folder that peft saved. `parallel` answers are decoded together, others wait their turn. `prefix_cache` is in MiB.
    Code that comes with a model is never run, and nothing is downloaded.
    """

    def __init__(
        self,
        model: str,
        device: str = "auto",
        threads: int | None = None,
        cache: Path | None = None,
        quantization: Quantization = Quantization.NONE,
        adapter: Path | None = None,
        parallel: int = 4,
        prefix_cache: int = 256,
    ) -> None:
        self._model = model
        self._device = device
        self._threads = threads
        self._cache = cache
        self._quantization = quantization
        self._adapter = adapter
        self._turns = threading.Semaphore(parallel)
        self._prefixes = PrefixCache(prefix_cache * _MIB)
        self._lock = threading.Lock()
        self._ready: _Ready | None = None

    @property
    def name(self) -> str:
        """What users call the model."""
        return Path(self._model).name

    @property
    def context_window(self) -> int:
        """Most tokens that prompt and answer may have together; loads the model."""
        return self._loaded().window

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """Return the exact length of the prompt made from these messages; loads the model."""
        return len(self._loaded().codec.encode(messages))

    def stream(self, messages: Sequence[Message], sampling: Sampling) -> Iterator[str]:
        """Yield the answer piece by piece, greedily at temperature 0; the same seed gives the same answer.

        White space before the answer is left out. Closing the iterator stops the model before its next token. Answers
        at once are decoded together. Raises PromptTooLong if the prompt leaves no room in the window, GenerationFailed
        without a chat template.
        """
        return self._stream(messages, sampling, None)

    def stream_mixed(self, messages: Sequence[Message], sampling: Sampling, mixer: TokenMixer) -> Iterator[str]:
        """Do what `stream` does, with a mixer that takes part in choosing each token."""
        return self._stream(messages, sampling, mixer)

    def next_token_model(self) -> NextTokenModel:
        """Return what kNN-LM needs; loads the model. Raises GenerationFailed for one that gives no hidden states."""
        from kb_server.llm.decoding.states import StateReader

        ready = self._made_ready()
        return StateReader(self.name, ready.loaded, ready.decoder)

    def _stream(self, messages: Sequence[Message], sampling: Sampling, mixer: TokenMixer | None) -> Iterator[str]:
        ready = self._made_ready()
        prompt = ready.loaded.codec.encode(messages)
        limit = min(sampling.max_tokens, room(self.name, len(prompt), ready.loaded))
        with self._turns:
            tokens = ready.decoder.tokens(prompt, sampling, limit, mixer)
            try:
                yield from until_stop(without_leading_space(_pieces(ready.loaded, tokens)), sampling.stop)
            finally:
                tokens.close()

    def _loaded(self) -> LoadedModel:
        return self._made_ready().loaded

    def _made_ready(self) -> "_Ready":
        if self._ready is None:
            with self._lock:
                self._ready = self._ready or _Ready(self._load(), self._prefixes)
        return self._ready

    def _load(self) -> LoadedModel:
        place = find_model_place(self._model)
        try:
            import torch
            import transformers  # noqa: F401 - asked for here, so that what is missing is said once
            from safetensors import SafetensorError
        except ImportError as error:
            raise MissingExtra(f"Writing answers needs the package '{error.name}'.", INSTALL) from error
        if self._threads:
            torch.set_num_threads(self._threads)
        try:
            with quiet():
                return self._adapted(self._read(place))
        except ImportError as error:
            raise MissingExtra(f"The model '{self.name}' needs a package: {error}.", INSTALL) from error
        except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
            raise GenerationFailed(f"The model '{self.name}' in '{place.folder}' cannot be loaded: {error}") from error

    def _read(self, place: ModelPlace) -> LoadedModel:
        from kb_server.llm.weights.gguf import converted

        device = self._device_name()
        folder = place.folder
        if place.gguf_file:
            if self._cache is None:
                raise GenerationFailed(
                    f"The GGUF file '{place.gguf_file}' has to be converted, and there is no folder for the result.",
                    "Use the backend llama_cpp, which reads GGUF files as they are.",
                )
            folder = converted(folder / place.gguf_file, self._cache, fast_dtype(device))
        return load_folder(folder, self._quantization, device)

    def _adapted(self, loaded: LoadedModel) -> LoadedModel:

        if self._adapter is None:
            return loaded
        model = adapted(loaded.model, self._adapter)
        return replace(loaded, model=model, reusable=loaded.reusable and not isinstance(model, PrefixModel))

    def _device_name(self) -> str:
        import torch

        if self._device != "auto":
            return self._device
        return "cuda" if torch.cuda.is_available() else "cpu"


class _Ready:
    """A loaded model and what decodes with it."""

    def __init__(self, loaded: LoadedModel, prefixes: PrefixCache) -> None:
        from kb_server.llm.decoding.batch import Decoder
        from kb_server.llm.decoding.seq2seq import Seq2SeqDecoder

        self.loaded = loaded
        self.decoder: Decoder | Seq2SeqDecoder = (
            Seq2SeqDecoder(loaded.model, loaded.ends) if loaded.encoder_decoder else Decoder(loaded, prefixes)
        )


def room(name: str, prompt: int, loaded: LoadedModel) -> int:
    """Return how many tokens an answer may have; raises PromptTooLong if there is room for none."""
    left = loaded.window - (0 if loaded.encoder_decoder else prompt)
    if left < 1 or prompt > loaded.window:
        raise PromptTooLong(
            f"The prompt has {prompt} tokens, and the model '{name}' has a window of {loaded.window}.",
            "Ask with fewer passages or a shorter conversation.",
        )
    return left


def _pieces(loaded: LoadedModel, tokens: Iterator[int]) -> Iterator[str]:
    text = TextStream(loaded.codec.decode)
    for token in tokens:
        if piece := text.push(token):
            yield piece
    if rest := text.flush():
        yield rest

"""A language model inside this process, run by transformers: a local folder, or a GGUF file in it.

Measured with SmolLM2-135M on 2 cores with AVX512-BF16: bfloat16 writes 22 tokens/s after a prompt of 50 tokens and
14.5 after 1,000 (float32: 14 and 13), and reads 1,000 tokens in 1.2 s (float32: 2.0 s). So bfloat16 is used where the
processor computes in it, float32 elsewhere.
"""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kb_server.domain import Message, Sampling
from kb_server.errors import GenerationFailed, MissingExtra, ModelNotFound
from kb_server.generation.chat_template import ChatPrompt
from kb_server.generation.decoding import TextStream
from kb_server.generation.model_place import ModelPlace, find_model_place
from kb_server.generation.sampling import choose
from kb_server.quiet import quiet

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

INSTALL = "Run: pip install 'kb-server[generate]'"


@dataclass(frozen=True, slots=True)
class _Loaded:
    model: Any
    tokenizer: "PreTrainedTokenizerBase"
    prompt: ChatPrompt
    window: int
    ends: frozenset[int]
    last_logits: dict[str, int]


class TransformersGenerator:
    """A Generator on a model that `find_model_place` finds. The model is loaded at first use, by one thread.

    `device` is `auto` (CUDA if there is one), or what torch calls it. `threads` sets torch's threads for the whole
    process. With `cache`, a GGUF file is converted once and the result kept there (2 bytes a parameter).
    Code that comes with a model is never run, and nothing is downloaded.
    """

    def __init__(
        self,
        model: str,
        device: str = "auto",
        threads: int | None = None,
        cache: Path | None = None,
    ) -> None:
        self._model = model
        self._device = device
        self._threads = threads
        self._cache = cache
        self._lock = threading.Lock()
        self._ready: _Loaded | None = None

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
        return len(self._loaded().prompt.encode(messages))

    def stream(self, messages: Sequence[Message], sampling: Sampling) -> Iterator[str]:
        """Yield the answer piece by piece, greedily at temperature 0; the same seed gives the same answer.

        Closing the iterator stops the model before its next token. Two answers at once take turns by the token.
        Raises GenerationFailed if the prompt leaves no room in the window, or the tokenizer has no chat template.
        """
        loaded = self._loaded()
        prompt = loaded.prompt.encode(messages)
        room = loaded.window - len(prompt)
        if room < 1:
            raise GenerationFailed(
                f"The prompt has {len(prompt)} tokens, and the model '{self.name}' has a window of {loaded.window}.",
                "Ask with fewer passages or a shorter conversation.",
            )
        text = TextStream(loaded.tokenizer)
        for token in self._tokens(loaded, prompt, sampling, min(sampling.max_tokens, room)):
            if piece := text.push(token):
                yield piece
        if rest := text.flush():
            yield rest

    def _tokens(self, loaded: _Loaded, prompt: list[int], sampling: Sampling, limit: int) -> Iterator[int]:
        """Yield up to `limit` ids, without the one that ends the answer."""
        import torch

        device = loaded.model.device
        random = torch.Generator(device).manual_seed(sampling.seed)
        unread, cache = prompt, None
        for _ in range(limit):
            with self._lock, torch.inference_mode():
                ids = torch.tensor([unread], device=device)
                output = _forward(loaded, ids, cache)
                token = choose(output.logits[0, -1], sampling, random)
            if token in loaded.ends:
                return
            yield token
            unread, cache = [token], output.past_key_values

    def _loaded(self) -> _Loaded:
        if self._ready is None:
            with self._lock:
                self._ready = self._ready or self._load()
        return self._ready

    def _load(self) -> _Loaded:
        place = find_model_place(self._model)
        file = place.folder / (place.gguf_file or "config.json")
        if not file.is_file():
            raise ModelNotFound(f"The model '{self.name}' is not there: '{file}' does not exist.")
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
                return _bundle(*self._read(place), self._device_name())
        except ImportError as error:
            raise MissingExtra(f"The model '{self.name}' needs a package: {error}.", INSTALL) from error
        except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
            raise GenerationFailed(f"The model '{self.name}' in '{file.parent}' cannot be loaded: {error}") from error

    def _read(self, place: ModelPlace) -> "tuple[PreTrainedModel, PreTrainedTokenizerBase]":
        from transformers import AutoModelForCausalLM, AutoTokenizer

        from kb_server.generation.gguf import converted, load_gguf

        dtype = fast_dtype(self._device_name())
        folder = place.folder
        if place.gguf_file:
            if self._cache is None:
                return load_gguf(folder / place.gguf_file, dtype)
            folder = converted(folder / place.gguf_file, self._cache, dtype)
        safe: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
        tokenizer = AutoTokenizer.from_pretrained(folder, **safe)
        return AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, use_safetensors=True, **safe), tokenizer

    def _device_name(self) -> str:
        import torch

        if self._device != "auto":
            return self._device
        return "cuda" if torch.cuda.is_available() else "cpu"


def _bundle(model: Any, tokenizer: "PreTrainedTokenizerBase", device: str) -> _Loaded:  # noqa: ANN401 - half of what is called on a model has no types
    if getattr(model, "quantization_method", None) is None:  # weights of 4 bits are put in their place while read
        model.to(device)
    return _Loaded(
        model=model.eval(),
        tokenizer=tokenizer,
        prompt=ChatPrompt(tokenizer),
        window=_window(model, tokenizer),
        ends=_ends(model, tokenizer),
        last_logits={"logits_to_keep": 1} if "logits_to_keep" in signature(model.forward).parameters else {},
    )


def _window(model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase") -> int:
    config = model.config.get_text_config()
    for key in ("max_position_embeddings", "seq_length", "n_positions"):
        if isinstance(size := getattr(config, key, None), int):
            return size
    return int(tokenizer.model_max_length)


def _ends(model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase") -> frozenset[int]:
    """Ids that end an answer: the model's own end tokens, and every special token, since none is part of a text."""
    configured = model.generation_config.eos_token_id if model.generation_config else None
    ends = {configured} if isinstance(configured, int) else set(configured or ())
    ends |= {id_ for id_, token in tokenizer.added_tokens_decoder.items() if token.special}
    return frozenset(ends)


def _forward(loaded: _Loaded, ids: "torch.Tensor", cache: Any) -> Any:  # noqa: ANN401 - transformers' own shapes
    import torch

    try:
        return loaded.model(input_ids=ids, past_key_values=cache, use_cache=True, **loaded.last_logits)
    except torch.OutOfMemoryError as error:
        raise GenerationFailed(
            f"There is not enough memory for a prompt of {ids.shape[1]} tokens.", "Ask with fewer passages."
        ) from error


def fast_dtype(device: str) -> "torch.dtype":
    """Return bfloat16 where the device computes in it, else float32."""
    import torch

    if device.startswith("cuda"):
        return torch.bfloat16
    known = torch.cpu.get_capabilities() if device == "cpu" else {}
    return torch.bfloat16 if known.get("avx512_bf16") or known.get("amx_bf16") else torch.float32

"""A chat model behind LangChain: an OpenAI-compatible server (vLLM, SGLang, Ollama, llama-server) or a hosted service.

Servers do not say how they count tokens, so prompts are estimated on the safe side: a token for each character that is
not ASCII and for every three that are.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from kb_server.core.answers import Message, Sampling
from kb_server.core.errors import InvalidSetting, MissingExtra, ModelServerFailed
from kb_server.llm.decoding.text import until_stop, without_leading_space

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

INSTALL = "Run: pip install 'kb-server[chat-models]'"
_WINDOW = 8192
_PER_MESSAGE = 8  # tokens that mark a turn
_ASCII_PER_TOKEN = 3


class _Secret(Protocol):
    def get_secret_value(self) -> str: ...


class LangChainGenerator:
    """A Generator on any model of LangChain's `init_chat_model`.

    `provider` is what LangChain calls the service, `url` where it is, `key` its secret, `window` the tokens that prompt
    and answer may have together (8,192 if it is not said), `timeout` the seconds to wait for the next piece. `parallel`
    answers are asked for at once, others wait their turn.
    """

    def __init__(
        self,
        model: str,
        provider: str = "openai",
        url: str | None = None,
        key: _Secret | None = None,
        window: int | None = None,
        timeout: float = 60.0,
        parallel: int = 4,
    ) -> None:
        self._model = model
        self._provider = provider
        self._url = url
        self._key = key
        self._window = window or _WINDOW
        self._timeout = timeout
        self._turns = threading.Semaphore(parallel)
        self._lock = threading.Lock()
        self._ready: BaseChatModel | None = None

    @property
    def name(self) -> str:
        """What users call the model."""
        return self._model

    @property
    def context_window(self) -> int:
        """Most tokens that prompt and answer may have together, as set."""
        return self._window

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """Return an upper estimate of the prompt's length."""
        texts = [message.content for message in messages]
        ascii_ = [sum(character.isascii() for character in text) for text in texts]
        return sum(
            _PER_MESSAGE + len(text) - plain + -(-plain // _ASCII_PER_TOKEN)
            for text, plain in zip(texts, ascii_, strict=True)
        )

    def stream(self, messages: Sequence[Message], sampling: Sampling) -> Iterator[str]:
        """Yield the answer piece by piece; closing the iterator ends the request.

        Raises ModelServerFailed with the reason if the server is down, too slow, refuses or breaks off.
        """
        model = self._made()
        turns = [(message.role, message.content) for message in messages]
        with self._turns:
            pieces = self._pieces(model, turns, _options(sampling, self._provider))
            yield from until_stop(without_leading_space(pieces), sampling.stop)

    def chat_model(self, sampling: Sampling) -> "BaseChatModel":
        """Return LangChain's own model, as ToolCalling says."""
        return self._make(_options(sampling, self._provider))

    @staticmethod
    def client_failures() -> tuple[type[Exception], ...]:
        """Return the errors that the client raises when a server fails it, as ToolCalling says."""
        return (*_client_errors(), OSError, ValueError)

    def _pieces(self, model: "BaseChatModel", turns: list[tuple[str, str]], options: dict[str, Any]) -> Iterator[str]:
        ended = False
        failures = self.client_failures()  # here: they import, which a generator that is being closed must not
        try:
            for chunk in model.stream(turns, **options):
                ended = ended or bool(chunk.response_metadata.get("finish_reason")) or self._provider != "openai"
                if text := str(chunk.text):
                    yield text
        except failures as error:
            raise self.failure(error) from error
        if not ended:
            raise ModelServerFailed(
                f"The model server at {self._where} broke off in the middle of an answer.", "Ask again."
            )

    def failure(self, error: Exception) -> ModelServerFailed:
        """Return what an error of the client means to a user."""
        kind = type(error).__name__
        if "Timeout" in kind:
            reason = f"did not answer within {self._timeout:g} s"
            hint = "Ask again, or raise generation.timeout."
        elif "Connect" in kind:
            reason, hint = "cannot be reached", "Start it, and check generation.url."
        else:
            reason = f"failed: {str(error).splitlines()[0] if str(error) else kind}"
            hint = "Check generation.model, generation.key and the server's log."
        return ModelServerFailed(f"The model server at {self._where} {reason}.", hint)

    @property
    def _where(self) -> str:
        return self._url or self._provider

    def _made(self) -> "BaseChatModel":
        if self._ready is None:
            with self._lock:
                self._ready = self._ready or self._make()
        return self._ready

    def _make(self, more: Mapping[str, Any] = MappingProxyType({})) -> "BaseChatModel":
        failures: tuple[type[Exception], ...] = (*_client_errors(), ValueError)
        try:
            from langchain.chat_models import init_chat_model

            options: dict[str, Any] = {"timeout": self._timeout, "max_retries": 0, **more}
            if self._url:
                options["base_url"] = self._url
            if self._key or self._url:  # a local server asks for no key, the client for any
                options["api_key"] = self._key.get_secret_value() if self._key else "none"
            made: BaseChatModel = init_chat_model(self._model, model_provider=self._provider, **options)
        except ImportError as error:
            raise MissingExtra(f"The backend langchain needs a package: {error}.", INSTALL) from error
        except failures as error:
            raise InvalidSetting(
                f"The model '{self._model}' of '{self._provider}' cannot be set up: {error}",
                "Check generation.provider, generation.url and generation.key (KB_GENERATION__KEY).",
            ) from error
        return made


def _options(sampling: Sampling, provider: str) -> dict[str, Any]:
    """Return what every service takes; what only open servers take goes into their extra body."""
    options: dict[str, Any] = {
        "max_tokens": sampling.max_tokens,
        "temperature": 0.0 if sampling.greedy else sampling.temperature,
        "top_p": sampling.top_p,
    }
    if provider != "openai":
        return options
    own = {"top_k": sampling.top_k or None, "repetition_penalty": sampling.repetition_penalty}
    extra = {name: value for name, value in own.items() if value not in (None, 1.0)}
    return options | {"seed": sampling.seed} | ({"extra_body": extra} if extra else {})


def _client_errors() -> tuple[type[Exception], ...]:
    """Return the bases of the errors of OpenAI's client and of the HTTP client under it, of those that are there."""
    names = (("openai", "OpenAIError"), ("httpx", "HTTPError"), ("httpx2", "HTTPError"))
    found: list[type[Exception]] = []
    for package, error in names:
        with suppress(ImportError):
            found.append(getattr(import_module(package), error))
    return tuple(found)

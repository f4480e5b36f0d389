"""What the OpenAI-compatible routes take; fields of that API which mean nothing here are passed over."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from kb_server.answering.ask import Ask
from kb_server.api.fields import example
from kb_server.api.v1.knn import KnnChoice, knn_choice
from kb_server.core.answers import Message
from kb_server.core.errors import UsageError

_LONGEST = 100_000


class _Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore")


class Part(_Lenient):
    """A part of a message; only text is read."""

    type: str
    text: Annotated[str, Field(max_length=_LONGEST)] = ""


class OpenAiMessage(_Lenient):
    """A message."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Annotated[str, Field(max_length=_LONGEST)] | Annotated[list[Part], Field(max_length=100)] | None = None

    @property
    def text(self) -> str:
        """The message's text."""
        if isinstance(self.content, str):
            return clean(self.content)
        return clean("\n".join(part.text for part in self.content or () if part.type == "text"))


class StreamOptions(_Lenient):
    """What a stream has besides."""

    include_usage: bool = False


class _Sampled(_Lenient):
    model: Annotated[str, Field(min_length=1, max_length=256)]
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=100_000)] | None = None
    n: Annotated[int, Field(ge=1, le=1)] | None = None
    knn_lm: KnnChoice = None

    @property
    def wants_usage(self) -> bool:
        """Whether a stream ends with the usage."""
        return self.stream_options is not None and self.stream_options.include_usage

    @property
    def sampling(self) -> dict[str, Any]:
        """How the answer is written, and whether with kNN-LM, as Ask takes it."""
        sampling = {"max_tokens": self.max_tokens, "temperature": self.temperature, "top_p": self.top_p}
        return {**sampling, "knn": knn_choice(self.knn_lm)}


class ChatRequest(_Sampled):
    """A chat: the last message is the question; system messages do not replace the service's own prompt."""

    model_config = ConfigDict(
        extra="ignore",
        json_schema_extra={
            "examples": [{"model": "handbook", "messages": [{"role": "user", "content": "Who signs travel requests?"}]}]
        },
    )

    messages: Annotated[list[OpenAiMessage], Field(min_length=1, max_length=500)]
    max_completion_tokens: Annotated[int, Field(ge=1, le=100_000)] | None = None

    def ask(self) -> Ask:
        """Return the question; raises UsageError if the last message is none."""
        talk = [said for said in self.messages if said.role in ("user", "assistant")]
        if not talk or talk[-1].role != "user" or not talk[-1].text:
            raise UsageError("The last message is no question of a user.", "End `messages` with role 'user'.")
        history = [Message(said.role, said.text) for said in talk[:-1]]
        sampling = {**self.sampling, "max_tokens": self.max_completion_tokens or self.max_tokens}
        return Ask(question=talk[-1].text, history=history, **sampling)


class CompletionRequest(_Sampled):
    """A completion: the prompt is the question."""

    model_config = example(model="handbook", prompt="Who signs?")

    prompt: Annotated[str, Field(max_length=_LONGEST)] | Annotated[list[str], Field(min_length=1, max_length=1)]

    def ask(self) -> Ask:
        """Return the question; raises UsageError if there is none."""
        prompt = clean(self.prompt if isinstance(self.prompt, str) else self.prompt[0])
        if not prompt:
            raise UsageError("The prompt is empty.", "Write the question into `prompt`.")
        return Ask(question=prompt, **self.sampling)


class EmbeddingRequest(_Lenient):
    """Texts to embed; tokens of another model's vocabulary mean nothing here."""

    model_config = example(model="multilingual-e5-small", input="Who signs?")

    model: Annotated[str, Field(min_length=1, max_length=256)]
    input: (
        Annotated[str, Field(max_length=_LONGEST)]
        | Annotated[list[Annotated[str, Field(max_length=_LONGEST)]], Field(min_length=1, max_length=256)]
    )
    encoding_format: Literal["float", "base64"] = "float"


def clean(text: str) -> str:
    """Take out what no database can store."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "").strip()

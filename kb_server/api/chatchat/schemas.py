"""What the Langchain-Chatchat-compatible routes take and give. Fields that mean nothing here are passed over."""

import html
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field

from kb_server.answering.ask import Ask
from kb_server.api.fields import example
from kb_server.api.openai.schemas import clean
from kb_server.api.v1.bases import Description
from kb_server.core.answers import Message
from kb_server.core.domain import Chunk, Filter, Hit
from kb_server.core.errors import UsageError

WORST_DISTANCE = 2.0
_Name = Annotated[str, Field(max_length=256)]
_Text = Annotated[str, Field(max_length=100_000)]
_TopK = Annotated[int, Field(ge=1, le=100)]
_Threshold = Annotated[float, Field(ge=0.0, le=2.0)]


class _Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore", protected_namespaces=())


class NewBase(_Lenient):
    """A base to make."""

    model_config = example(knowledge_base_name="samples")

    knowledge_base_name: _Name
    vector_store_type: _Name | None = None
    kb_info: Description = ""
    embed_model: _Name | None = None


class BaseInfo(_Lenient):
    """What a base is about."""

    model_config = example(knowledge_base_name="samples", kb_info="Handbooks")

    knowledge_base_name: _Name
    kb_info: Description


class Search(_Lenient):
    """A search; `score_threshold` is a distance from 0 (equal) to 2, as there."""

    model_config = example(query="Who signs?", knowledge_base_name="samples")

    query: _Text = ""
    knowledge_base_name: _Name
    top_k: _TopK = 3
    score_threshold: _Threshold = WORST_DISTANCE
    file_name: _Text = ""
    metadata: dict[str, Any] = {}


class TempSearch(_Lenient):
    """A search in temporary files."""

    model_config = example(knowledge_id="temp-1", query="Who signs?")

    knowledge_id: _Name
    query: _Text
    top_k: _TopK = 3
    score_threshold: _Threshold = WORST_DISTANCE


class Files(_Lenient):
    """Files of a base."""

    model_config = example(knowledge_base_name="samples", file_names=["a.txt"])

    knowledge_base_name: _Name
    file_names: Annotated[list[_Text], Field(max_length=1000)]


class Rebuild(_Lenient):
    """A base to bring back in step."""

    model_config = example(knowledge_base_name="samples")

    knowledge_base_name: _Name


class ChatchatMessage(_Lenient):
    """An earlier message, kept by the client."""

    role: _Name
    content: _Text


class _Asked(_Lenient):
    query: _Text
    top_k: _TopK = 3
    score_threshold: _Threshold = WORST_DISTANCE
    history: Annotated[list[ChatchatMessage], Field(max_length=100)] = []
    stream: bool = True
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    max_tokens: int | None = None
    model: _Name | None = None
    model_name: _Name | None = None  # what their file chat calls it
    prompt_name: _Name | None = None

    def ask(self) -> Ask:
        """Return the question; raises UsageError if there is none."""
        question = clean(self.query)
        if not question:
            raise UsageError("The query is empty.", "Write the question into `query`.")
        history = [
            Message(said.role, clean(said.content)) for said in self.history if said.role in ("user", "assistant")
        ]
        tokens = self.max_tokens if self.max_tokens and self.max_tokens > 0 else None
        return Ask(
            question=question,
            history=history,
            k=self.top_k,
            most_passages=self.top_k,
            temperature=self.temperature,
            max_tokens=tokens,
        )


class KbChat(_Asked):
    """A question to a base, or to temporary files."""

    model_config = example(query="Who signs?", kb_name="samples", stream=False)

    mode: Literal["local_kb", "temp_kb", "search_engine"] = "local_kb"
    kb_name: _Name
    return_direct: bool = False


class FileChat(_Asked):
    """A question to temporary files."""

    model_config = example(query="Who signs?", knowledge_id="temp-1", stream=False)

    knowledge_id: _Name


class Feedback(_Lenient):
    """What a person thinks of an answer."""

    model_config = example(message_id="0123456789abcdef0123456789abcdef", score=90)

    message_id: Annotated[str, Field(max_length=64)]
    score: Annotated[int, Field(ge=0, le=100)] = 100
    reason: Annotated[str, Field(max_length=4000)] = ""


class ToolCall(_Lenient):
    """A tool and what it is given."""

    model_config = example(name="calculate", input={"expression": "1 + 1"})

    name: _Name
    input: dict[str, Any] = {}


def envelope(msg: str = "success", data: Any = None, code: int = 200) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Return the envelope that most routes answer with."""
    return {"code": code, "msg": msg, "data": data}


def document(chunk: Chunk, score: float | None) -> dict[str, Any]:
    """Return a chunk as a document with its score: 0..1, higher is better."""
    metadata = {
        "source": chunk.document,
        "page": chunk.page,
        "heading_path": list(chunk.heading_path),
        "start": chunk.start,
        "end": chunk.end,
    }
    return {
        "page_content": chunk.text,
        "metadata": metadata,
        "type": "Document",
        "id": str(chunk.id),
        "score": None if score is None else round(score, 6),
    }


def near_enough(hit: Hit, threshold: float) -> bool:
    """Say whether a hit is within a distance; a score of 1 is distance 0, a score of 0 distance 2."""
    return WORST_DISTANCE * (1 - hit.score) <= threshold


def source(number: int, hit: Hit) -> str:
    """Return a hit as the text that pages show for it; what is of the document is shown as text and never as markup."""
    query = urlencode({"knowledge_base_name": hit.base, "file_name": hit.chunk.document})
    name = html.escape(hit.chunk.document).replace("[", "&#91;").replace("]", "&#93;")
    return f"出处 [{number}] [{name}](/knowledge_base/download_doc?{query}) \n\n{html.escape(hit.chunk.text)}\n\n"


def filter_of(asked: Search) -> Filter | None:
    """Return which document is meant: by `file_name`, or by `source` in the metadata; other metadata is refused."""
    unknown = sorted(set(asked.metadata) - {"source"})
    if unknown:
        raise UsageError(f"Documents cannot be chosen by the metadata '{unknown[0][:80]}'.", "Use `source`.")
    named = asked.file_name or str(asked.metadata.get("source", ""))
    return Filter(documents=(named,)) if named else None

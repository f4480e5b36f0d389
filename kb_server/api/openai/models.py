"""`/v1/models` and `/v1/embeddings`: what the names of models mean here."""

import base64
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter

from kb_server.access.keys import Caller
from kb_server.api.auth import CurrentCaller, base_named, visible_bases
from kb_server.api.openai.schemas import EmbeddingRequest
from kb_server.api.service import CurrentService, Service
from kb_server.core.answers import AnswerMode
from kb_server.core.domain import KnowledgeBase
from kb_server.core.errors import ModelNotFound, NotFound
from kb_server.core.ports import Vectors
from kb_server.text.tokens import count_tokens

router = APIRouter(prefix="/v1", tags=["OpenAI-compatible"])


@router.get("/models")
def list_models(service: CurrentService, caller: CurrentCaller) -> dict[str, Any]:
    """List each base, the base with each way to answer, and the embedders."""
    bases = visible_bases(service, caller)
    ways = ("", "@extract", *(f"@{model}" for model in service.app.settings.generation.names))
    names = [f"{base.name}{way}" for base in bases for way in ways]
    return {"object": "list", "data": [_model(name) for name in (*names, *sorted(_embedders(service, bases)))]}


@router.get("/models/{model:path}")
def get_model(model: str, service: CurrentService, caller: CurrentCaller) -> dict[str, Any]:
    """Return one model."""
    if model not in _embedders(service, visible_bases(service, caller)):
        resolve(service, caller, model)
    return _model(model)


@router.post("/embeddings")
async def embed(asked: EmbeddingRequest, service: CurrentService, caller: CurrentCaller) -> dict[str, Any]:
    """Embed texts by the embedder of a base or of the settings."""
    texts = [asked.input] if isinstance(asked.input, str) else asked.input
    vectors = await service.searches.run(lambda: _embed(service, caller, asked.model, texts))
    tokens = sum(count_tokens(text) for text in texts)
    as_text = asked.encoding_format == "base64"
    data = [
        {
            "object": "embedding",
            "index": index,
            "embedding": base64.b64encode(vector.tobytes()).decode() if as_text else vector.tolist(),
        }
        for index, vector in enumerate(vectors)
    ]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "model": asked.model, "data": data, "usage": usage}


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a model's name means here: a base, and how it answers."""

    base: KnowledgeBase
    mode: AnswerMode | None = None
    model: str | None = None


def resolve(service: Service, caller: Caller, model: str) -> Resolved:
    """Return what a model's name means: `base`, `base@mode` or `base@model`; raises NotFound."""
    name, _, way = model.partition("@")
    base = base_named(service, caller, name)
    if not way:
        return Resolved(base)
    if way in (AnswerMode.EXTRACT, AnswerMode.GENERATE):
        return Resolved(base, AnswerMode(way))
    if way in service.app.settings.generation.names:
        return Resolved(base, AnswerMode.GENERATE, way)
    raise NotFound(f"There is no model '{way[:80]}' here.", "See the names with: GET /v1/models")


def _embed(service: Service, caller: Caller, model: str, texts: list[str]) -> Vectors:
    if model not in _embedders(service, visible_bases(service, caller)):
        raise NotFound(f"There is no embedder '{model[:80]}' here.", "See the names with: GET /v1/models")
    try:
        return service.app.models.embedder(model).embed_passages(texts)
    except ModelNotFound as error:
        raise NotFound(f"The embedder '{model[:80]}' is not on the service's machine.", "Ask its keeper.") from error


def _embedders(service: Service, bases: list[KnowledgeBase]) -> set[str]:
    return {service.app.settings.embedding.model, *(base.embedder for base in bases)}


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "kb-server"}

"""The JSON contract of hits, explanations and answers, for the command line, the service and kept conversations."""

from dataclasses import asdict
from typing import Any

from kb_server.core.answers import Answer, Citation, Step
from kb_server.core.domain import Hit
from kb_server.core.knn_lm import KnnTrace, TokenOrigin
from kb_server.search.explain import Explanation


def hit_json(hit: Hit) -> dict[str, Any]:
    """Return a hit as the JSON contract has it."""
    chunk = hit.chunk
    return {
        "knowledge_base": hit.base,
        "chunk_id": chunk.id,
        "document": chunk.document,
        "document_id": chunk.document_id,
        "page": chunk.page,
        "heading_path": list(chunk.heading_path),
        "score": round(hit.score, 6),
        "text": chunk.text,
        "start": chunk.start,
        "end": chunk.end,
        "edited": chunk.edited,
        "also": [asdict(place) for place in chunk.also],
        "stages": {stage: round(score, 6) for stage, score in hit.stages.items()},
    }


def citation_json(citation: Citation) -> dict[str, Any]:
    """Return a citation as the JSON contract has it."""
    values = asdict(citation)
    return {"number": values.pop("number"), "knowledge_base": values.pop("base"), **values}


def answer_json(answer: Answer) -> dict[str, Any]:
    """Return an answer as the JSON contract has it."""
    return {
        "answer": answer.text,
        "refused": answer.refused,
        "citations": [citation_json(citation) for citation in answer.citations],
        "hits": [hit_json(hit) for hit in answer.hits],
        "mode": answer.mode,
        "model": answer.model,
        "prompt": answer.prompt,
        "timings_ms": dict(answer.timings_ms),
        "reasoning": answer.reasoning,
        "agreement": answer.agreement,
        "notes": list(answer.notes),
        "steps": [step_json(step) for step in answer.steps],
        "knn_lm": trace_json(answer.knn) if answer.knn else None,
        "confidence": answer.confidence,
    }


def trace_json(trace: KnnTrace) -> dict[str, Any]:
    """Return where each token of an answer came from; a token's first source stands beside it too."""
    return {
        "keys": trace.keys,
        "decided": sum(token.decided for token in trace.tokens),
        "reason": trace.reason,
        "tokens": [_token_json(token) for token in trace.tokens],
    }


def _token_json(token: TokenOrigin) -> dict[str, Any]:
    numbers = {"lambda": token.weight, "mass": token.mass, "probability": token.probability, "entropy": token.entropy}
    sources = [{**asdict(source), "mass": round(source.mass, 4)} for source in token.sources]
    best: dict[str, Any] = sources[0] if sources else {}
    return {
        "token": token.token,
        **{name: round(value, 4) for name, value in numbers.items()},
        "decided": token.decided,
        **{name: best.get(name) for name in ("document", "chunk_id", "offset", "start")},
        "sources": sources,
    }


def step_json(step: Step) -> dict[str, Any]:
    """Return a step of an agent as the JSON contract has it."""
    return {"number": step.number, "tool": step.tool, "arguments": dict(step.arguments), "result": step.result}


def explanation_json(explanation: Explanation) -> dict[str, Any]:
    """Return an explanation as the JSON contract has it."""
    return {
        "chunk_id": explanation.chunk.id,
        "document": explanation.chunk.document,
        "stages": [
            {"stage": standing.stage, "rank": standing.rank, "score": standing.score}
            for standing in explanation.standings
        ],
        "limits": [{"limit": limit.name, "value": limit.value, "passed": limit.passed} for limit in explanation.limits],
    }

"""The JSON contract of hits, explanations and answers, for the command line, the service and kept conversations."""

from dataclasses import asdict
from typing import Any

from kb_server.domain import Answer, Hit, Step
from kb_server.services.explaining import Explanation


def hit_json(hit: Hit) -> dict[str, Any]:
    """Return a hit as the JSON contract has it."""
    chunk = hit.chunk
    return {
        "chunk_id": chunk.id,
        "document": chunk.document,
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


def answer_json(answer: Answer) -> dict[str, Any]:
    """Return an answer as the JSON contract has it."""
    return {
        "answer": answer.text,
        "refused": answer.refused,
        "citations": [asdict(citation) for citation in answer.citations],
        "hits": [hit_json(hit) for hit in answer.hits],
        "mode": answer.mode,
        "model": answer.model,
        "timings_ms": dict(answer.timings_ms),
        "reasoning": answer.reasoning,
        "agreement": answer.agreement,
        "notes": list(answer.notes),
        "steps": [step_json(step) for step in answer.steps],
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

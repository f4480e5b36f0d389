"""The JSON contract of hits and answers: the command line, the service and stored conversations all have it."""

from dataclasses import asdict
from typing import Any

from kb_server.domain import Answer, Hit


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
    }

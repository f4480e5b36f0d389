"""The JSON of hits and answers is what it was said to be, key by key."""

import json

from kb_server.answering.contract import answer_json, explanation_json, hit_json, trace_json
from kb_server.core.answers import Answer, AnswerMode, Citation, Step
from kb_server.core.domain import Chunk, ChunkPosition, Hit
from kb_server.core.knn_lm import KnnTrace, TokenOrigin, TokenSource
from kb_server.search.explain import Explanation, Limit
from kb_server.search.ranks import StageRank

TEXT = "The owl sleeps."
CHUNK = Chunk(
    id=7,
    document_id=2,
    document="a.txt",
    text=TEXT,
    start=10,
    end=25,
    page=3,
    heading_path=("Manual", "Owls"),
    also=(ChunkPosition(chunk_id=9, document="b.txt", start=0, end=15, page=1, heading_path=("X",)),),
)
HIT = Hit(chunk=CHUNK, score=0.123456789, stages={"dense": 0.98765432}, base="notes")
HIT_JSON = {
    "knowledge_base": "notes",
    "chunk_id": 7,
    "document_id": 2,
    "document": "a.txt",
    "page": 3,
    "heading_path": ["Manual", "Owls"],
    "score": 0.123457,
    "text": TEXT,
    "start": 10,
    "end": 25,
    "edited": False,
    "stages": {"dense": 0.987654},
}


def test_a_hit() -> None:
    found = hit_json(HIT)
    (also,) = found.pop("also")
    assert found == HIT_JSON
    assert (also["document"], also["page"], list(also["heading_path"])) == ("b.txt", 1, ["X"])


def test_an_answer_goes_through_json_with_the_number_of_a_citation_first() -> None:
    citation = Citation(
        number=1, chunk_id=7, document="a.txt", page=3, start=10, end=25, quote=TEXT, supported=True, base="notes"
    )
    step = Step(number=1, tool="search", arguments={"question": "owl"})
    answer = Answer(
        text=f"{TEXT}[1]",
        refused=False,
        citations=(citation,),
        hits=(HIT,),
        mode=AnswerMode.EXTRACT,
        model=None,
        timings_ms={"total": 3.5},
        notes=("n",),
        steps=(step,),
    )
    found = json.loads(json.dumps(answer_json(answer)))
    assert (found["answer"], found["refused"], found["mode"], found["model"]) == (f"{TEXT}[1]", False, "extract", None)
    assert list(found["citations"][0])[:2] == ["number", "knowledge_base"]
    assert found["citations"][0]["quote"] == TEXT
    assert found["steps"] == [{"number": 1, "tool": "search", "arguments": {"question": "owl"}, "result": None}]
    assert (found["knn_lm"], found["notes"], found["timings_ms"]) == (None, ["n"], {"total": 3.5})
    assert found["hits"][0]["score"] == 0.123457


def test_where_tokens_came_from_the_best_place_beside_the_token() -> None:
    sources = (
        TokenSource(document="a.txt", chunk_id=7, offset=3, start=12, mass=0.33333),
        TokenSource(document="b.txt", chunk_id=8, offset=0, start=0, mass=0.1),
    )
    tokens = (
        TokenOrigin("owl", weight=0.25, mass=0.43333, probability=0.5, entropy=1.0, sources=sources),
        TokenOrigin("s", weight=0.25, mass=0.0, probability=0.9, entropy=1.0),
    )
    found = trace_json(KnnTrace(9, tokens))
    assert (found["keys"], found["decided"], found["reason"]) == (9, 1, None)
    first, second = found["tokens"]
    assert (first["lambda"], first["mass"], first["decided"]) == (0.25, 0.4333, True)
    assert (first["document"], first["chunk_id"], first["offset"], first["start"]) == ("a.txt", 7, 3, 12)
    assert [source["mass"] for source in first["sources"]] == [0.3333, 0.1]
    assert (second["document"], second["sources"]) == (None, [])


def test_a_passages_way_through_the_search() -> None:
    explanation = Explanation(CHUNK, (StageRank("dense", None, None),), (Limit("results", 5, False),))
    assert explanation_json(explanation) == {
        "chunk_id": 7,
        "document": "a.txt",
        "stages": [{"stage": "dense", "rank": None, "score": None}],
        "limits": [{"limit": "results", "value": 5, "passed": False}],
    }

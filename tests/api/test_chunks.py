"""Rewording a chunk: it is found and quoted by its new words, and says so."""

import httpx

from tests.api.conftest import finished, problem, upload

TEXT = "The owl sleeps by day.\n\nIt hunts mice in the barn."


def _search(client: httpx.Client, base: str, question: str) -> list[dict[str, object]]:
    body = {"knowledge_bases": [base], "question": question, "mode": "lexical"}
    hits: list[dict[str, object]] = client.post("/api/v1/search", json=body).json()["hits"]
    return hits


def test_a_chunk_is_edited_found_by_its_new_words_and_reverted(admin: httpx.Client, empty: str) -> None:
    finished(admin, upload(admin, empty, {"owl.txt": TEXT, "cat.txt": "The cat sleeps at night."})["id"])
    place = f"/api/v1/knowledge-bases/{empty}"
    (hit,) = _search(admin, empty, "owl")
    chunk = f"{place}/chunks/{hit['chunk_id']}"
    wording = "The eagle sleeps by night. It weighs 6 kilograms."
    edited = admin.patch(chunk, json={"text": wording}).json()
    assert (edited["text"], edited["edited"]) == (wording, True)
    assert (edited["start"], edited["end"]) == (hit["start"], hit["end"])
    assert _search(admin, empty, "owl") == []
    (found,) = _search(admin, empty, "eagle")
    assert (found["chunk_id"], found["text"], found["edited"]) == (hit["chunk_id"], wording, True)
    dense = {"knowledge_bases": [empty], "question": wording, "mode": "dense", "k": 1}
    assert (
        admin.post("/api/v1/search", json=dense).json()["hits"][0]["score"] > 0.75
    )  # a question and a passage have prompts of their own

    asked = {"knowledge_base": empty, "question": "How much does the eagle weigh?", "stream": False}
    answer = admin.post("/api/v1/chat", json=asked).json()
    cited = [citation for citation in answer["citations"] if citation["document"] == "owl.txt"]
    assert cited
    for citation in cited:
        assert citation["quote"] in wording
        assert citation["edited"] is True
        assert TEXT[citation["start"] : citation["end"]] == hit["text"]

    (document,) = [d for d in admin.get(f"{place}/documents").json()["documents"] if d["name"] == "owl.txt"]
    (listed,) = admin.get(f"{place}/documents/{document['id']}/chunks").json()["chunks"]
    assert (listed["text"], listed["original"]) == (wording, hit["text"])
    again = admin.post(f"{chunk}/revert").json()
    assert (again["text"], again["edited"]) == (hit["text"], False)
    assert [one["text"] for one in _search(admin, empty, "owl")] == [hit["text"]]
    assert _search(admin, empty, "eagle") == []
    problem(admin.post(f"{chunk}/revert"), 404, "not_found")


def test_an_edit_goes_along_with_an_export_and_ends_with_its_document(admin: httpx.Client, empty: str) -> None:
    finished(admin, upload(admin, empty, {"owl.txt": TEXT})["id"])
    (hit,) = _search(admin, empty, "owl")
    chunk = f"/api/v1/knowledge-bases/{empty}/chunks/{hit['chunk_id']}"
    assert admin.patch(chunk, json={"text": "The heron fishes."}).status_code == 200
    archive = admin.get(f"/api/v1/knowledge-bases/{empty}/export").content
    made = admin.post("/api/v1/import", files={"file": ("a.zip", archive)}, data={"name": "herons"})
    assert made.status_code == 201, made.text
    (moved,) = _search(admin, "herons", "heron")
    assert (moved["text"], moved["edited"]) == ("The heron fishes.", True)
    assert _search(admin, "herons", "owl") == []
    finished(admin, upload(admin, empty, {"owl.txt": TEXT + " It is old."})["id"])
    assert _search(admin, empty, "heron") == []
    problem(admin.patch(chunk, json={"text": "Gone."}), 404, "not_found")
    admin.delete("/api/v1/knowledge-bases/herons")


def test_a_wording_must_be_one(admin: httpx.Client, handbook: str) -> None:
    hit = admin.post("/api/v1/search", json={"knowledge_bases": [handbook], "question": "reset"}).json()["hits"][0]
    chunk = f"/api/v1/knowledge-bases/{handbook}/chunks/{hit['chunk_id']}"
    for text in ("", "  ", "\0", "x" * 20_001):
        problem(admin.patch(chunk, json={"text": text}), 422, "invalid_request")

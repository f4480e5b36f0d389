"""What a page offers to those who look after a base: snapshots, export, keys, why something was not found."""

import io
import zipfile
from pathlib import Path

import httpx
import pytest
from PIL import Image

from kb_server.runtime.processors import cores
from tests.api.conftest import Server, finished, gone, problem, upload
from tests.unit.loaders.pdf.writer import write_pdf


def _documents(client: httpx.Client, base: str) -> dict[str, int]:
    found = client.get(f"/api/v1/knowledge-bases/{base}/documents").json()["documents"]
    return {document["name"]: document["id"] for document in found}


def test_a_snapshot_is_made_compared_and_restored(admin: httpx.Client, empty: str) -> None:
    place = f"/api/v1/knowledge-bases/{empty}/snapshots"
    finished(admin, upload(admin, empty, {"a.txt": "The owl sleeps.", "b.txt": "The cat hunts."})["id"])
    made = admin.post(place, json={"name": "before"})
    assert (made.status_code, made.json()["documents"]) == (201, 2)
    problem(admin.post(place, json={"name": "before"}), 409, "already_exists")
    problem(admin.post(place, json={"name": "../x"}), 422, "invalid_name")
    admin.delete(f"/api/v1/knowledge-bases/{empty}/documents/{_documents(admin, empty)['a.txt']}")
    finished(admin, upload(admin, empty, {"b.txt": "The cat sleeps.", "c.txt": "The dog barks."})["id"])

    difference = admin.get(f"{place}/before/diff").json()
    assert difference == {"added": ["c.txt"], "removed": ["a.txt"], "changed": ["b.txt"]}
    restored = admin.post(f"{place}/before/restore").json()
    assert set(_documents(admin, empty)) == {"a.txt", "b.txt"}
    hits = admin.post("/api/v1/search", json={"knowledge_bases": [empty], "question": "What does the cat do?"}).json()
    assert "The cat hunts." in [hit["text"] for hit in hits["hits"]]
    names = [one["name"] for one in admin.get(place).json()["snapshots"]]
    assert names == ["before", restored["undo"]]
    later = admin.get(f"{place}/before/diff", params={"later": restored["undo"]}).json()
    assert later == difference
    assert admin.delete(f"{place}/before").status_code == 204
    problem(admin.get(f"{place}/before/diff"), 404, "not_found")


def test_a_base_goes_out_and_comes_in_as_one_file(server: Server, admin: httpx.Client, handbook: str) -> None:
    before = set((server.home / "uploads").iterdir())
    archive = admin.get(f"/api/v1/knowledge-bases/{handbook}/export")
    assert archive.headers["content-disposition"].startswith("attachment")
    assert "manifest.json" in zipfile.ZipFile(io.BytesIO(archive.content)).namelist()
    made = admin.post("/api/v1/import", files={"file": ("a.zip", archive.content)}, data={"name": "handbook copy"})
    assert made.status_code == 201, made.text
    assert (made.json()["name"], made.json()["documents"]) == ("handbook copy", 2)
    ask = {"question": "How do I reset the device?", "mode": "dense"}
    both = [
        admin.post("/api/v1/search", json={**ask, "knowledge_bases": [name]}).json()["hits"]
        for name in (handbook, "handbook copy")
    ]
    assert [(hit["document"], hit["text"], hit["score"]) for hit in both[0]] == [
        (hit["document"], hit["text"], hit["score"]) for hit in both[1]
    ]
    again = admin.post("/api/v1/import", files={"file": ("a.zip", archive.content)})
    problem(again, 409, "already_exists")
    broken = archive.content[:-2000] + bytes(1000) + archive.content[-1000:]
    found = problem(admin.post("/api/v1/import", files={"file": ("b.zip", broken)}), 422, "broken_archive")
    assert "b.zip" in found["detail"]
    assert str(server.home) not in found["detail"]
    problem(admin.post("/api/v1/import", files={"file": ("c.zip", b"not one")}), 400, "usage")
    assert all(gone(path) for path in set((server.home / "uploads").iterdir()) - before)
    admin.delete("/api/v1/knowledge-bases/handbook copy")


def test_an_export_leaves_out_what_is_not_searched(admin: httpx.Client, empty: str) -> None:
    finished(admin, upload(admin, empty, {"a.txt": "The owl sleeps by day.", "b.txt": "The cat hunts."})["id"])
    place = f"/api/v1/knowledge-bases/{empty}"
    document = _documents(admin, empty)["a.txt"]
    (chunk,) = admin.get(f"{place}/documents/{document}/chunks").json()["chunks"]
    admin.post(f"{place}/chunks/{chunk['chunk_id']}/disable")
    archive = admin.get(f"{place}/export")
    assert archive.status_code == 200, archive.text
    made = admin.post("/api/v1/import", files={"file": ("a.zip", archive.content)}, data={"name": "owls"}).json()
    assert (made["documents"], made["chunks"]) == (2, 1)
    admin.delete("/api/v1/knowledge-bases/owls")


def test_keys_are_made_and_revoked_by_administrators_of_everything(
    server: Server, admin: httpx.Client, handbook: str
) -> None:
    made = admin.post("/api/v1/keys", json={"name": "page", "scope": "read", "knowledge_bases": [handbook]})
    assert made.status_code == 201
    key = made.json()
    with server.client(key["key"]) as reader:
        assert reader.get("/api/v1/me").json()["knowledge_bases"] == [handbook]
        problem(reader.get("/api/v1/keys"), 403, "forbidden")
    restricted = admin.post("/api/v1/keys", json={"name": "x", "scope": "admin", "knowledge_bases": [handbook]}).json()
    with server.client(restricted["key"]) as one:
        for response in (one.get("/api/v1/keys"), one.post("/api/v1/keys", json={"name": "y", "scope": "admin"})):
            problem(response, 403, "forbidden")
        problem(one.post("/api/v1/import", files={"file": ("a.zip", b"x")}), 403, "forbidden")
    listed = admin.get("/api/v1/keys").json()["keys"]
    assert key["id"] in [one["id"] for one in listed]
    assert key["key"].split("_", 2)[2] not in admin.get("/api/v1/keys").text
    assert admin.delete(f"/api/v1/keys/{key['id']}").status_code == 204
    with server.client(key["key"]) as reader:
        problem(reader.get("/api/v1/me"), 401, "unauthorized")
    mine = admin.get("/api/v1/me").json()["id"]
    problem(admin.delete(f"/api/v1/keys/{mine}"), 400, "usage")
    problem(admin.delete("/api/v1/keys/none"), 404, "not_found")


def test_a_search_says_why_a_chunk_is_not_in_the_answer(admin: httpx.Client, handbook: str) -> None:
    question = "How do I reset the device?"
    body = {"knowledge_bases": [handbook], "question": question, "k": 10}
    hits = admin.post("/api/v1/search", json=body).json()["hits"]
    first, last = hits[0], hits[-1]
    place = f"/api/v1/knowledge-bases/{handbook}/explain"
    told = admin.post(place, json={"question": question, "chunk_id": first["chunk_id"]}).json()
    assert {stage["stage"] for stage in told["stages"]} == {"dense", "lexical", "fusion"}
    fusion = next(stage for stage in told["stages"] if stage["stage"] == "fusion")
    assert (fusion["rank"], round(fusion["score"], 6)) == (1, first["score"])
    assert all(limit["passed"] for limit in told["limits"])
    told = admin.post(place, json={"question": question, "chunk_id": last["chunk_id"], "k": 1}).json()
    assert {limit["limit"]: limit["passed"] for limit in told["limits"]}["results"] is False
    problem(admin.post(place, json={"question": question, "chunk_id": 10**9}), 404, "not_found")


def test_a_search_without_bases_is_in_all_that_the_key_is_for(
    server: Server, admin: httpx.Client, handbook: str, empty: str
) -> None:
    finished(admin, upload(admin, empty, {"zebra.txt": "Zebras are striped."})["id"])
    body = {"question": "Are zebras striped?"}
    assert admin.post("/api/v1/search", json=body).json()["hits"][0]["knowledge_base"] == empty
    with server.client(server.new_key("read", handbook)) as reader:
        hits = reader.post("/api/v1/search", json=body).json()["hits"]
    assert {hit["knowledge_base"] for hit in hits} <= {handbook}


def test_example_questions_are_answered_by_the_base(admin: httpx.Client, handbook: str, empty: str) -> None:
    questions = admin.get(f"/api/v1/knowledge-bases/{handbook}/questions?count=2").json()["questions"]
    assert 1 <= len(questions) <= 2
    for question in questions:
        body = {"knowledge_base": handbook, "question": question, "stream": False}
        assert admin.post("/api/v1/chat", json=body).json()["refused"] is False
    assert admin.get(f"/api/v1/knowledge-bases/{empty}/questions").json() == {"questions": []}


def test_conversations_are_found_by_their_words_and_kept_as_markdown(admin: httpx.Client, handbook: str) -> None:
    body = {"knowledge_base": handbook, "question": "What is kept in cabinet B12? <b>*", "keep": True, "stream": False}
    kept = admin.post("/api/v1/chat", json=body).json()
    listed = admin.get("/api/v1/conversations", params={"text": "FILTERS ARE KEPT"}).json()["conversations"]
    assert kept["conversation_id"] in [one["id"] for one in listed]
    assert admin.get("/api/v1/conversations", params={"text": "100%_nothing"}).json()["conversations"] == []
    file = admin.get(f"/api/v1/conversations/{kept['conversation_id']}/markdown")
    assert file.headers["content-type"].startswith("text/markdown")
    assert file.headers["content-disposition"].startswith("attachment")
    assert "New filters are kept in cabinet B12.[1]" in file.text
    assert "> [1] device.txt: New filters" in file.text
    assert "&lt;b&gt;\\*" in file.text
    admin.delete(f"/api/v1/conversations/{kept['conversation_id']}")


def test_a_page_of_a_pdf_is_drawn_with_the_quote_marked(admin: httpx.Client, empty: str, tmp_path: Path) -> None:
    lines = ["The red pump was checked on Mon-", "day by Anna. Nobody else was there."]
    pages = [[(12, 72, 700 - 16 * i, line) for i, line in enumerate(lines)], [(12, 72, 700, "The second page.")]]
    write_pdf(tmp_path / "pump.pdf", pages)
    content = (tmp_path / "pump.pdf").read_bytes()
    finished(admin, upload(admin, empty, {"pump.pdf": content, "a.txt": "No pages."})["id"])
    place = f"/api/v1/knowledge-bases/{empty}/documents/{_documents(admin, empty)['pump.pdf']}/pages"
    params = {"quote": "checked on Monday by Anna", "width": "600"}
    plain, marked, other = (
        admin.get(f"{place}/{page}", params=asked) for page, asked in ((1, {"width": "600"}), (1, params), (2, params))
    )
    assert [one.headers["x-quote-lines"] for one in (plain, marked, other)] == ["0", "2", "0"]
    pictures = [Image.open(io.BytesIO(one.content)).convert("RGB") for one in (plain, marked)]
    assert pictures[0].size == pictures[1].size == (600, 777)
    yellow = [
        (x, y)
        for y in range(777)
        for x in range(600)
        if pictures[1].getpixel((x, y)) == (255, 236, 130) and pictures[0].getpixel((x, y)) == (255, 255, 255)
    ]
    assert min(y for _, y in yellow) > 777 * (1 - 715 / 792)
    assert max(y for _, y in yellow) < 777 * (1 - 675 / 792)
    assert not [1 for x, y in yellow if x < 600 * 70 / 612], "nothing beside the text is marked"
    problem(admin.get(f"{place}/3"), 422, "unreadable")
    text = f"/api/v1/knowledge-bases/{empty}/documents/{_documents(admin, empty)['a.txt']}/pages/1"
    problem(admin.get(text), 422, "unreadable")


@pytest.mark.parametrize("path", ["/api/v1/models", "/api/v1/system"])
def test_the_service_shows_what_it_has(server: Server, admin: httpx.Client, handbook: str, path: str) -> None:
    body = {"knowledge_bases": [handbook], "question": "anything"}
    assert admin.post("/api/v1/search", json=body).status_code == 200
    response = admin.get(path)
    assert response.status_code == 200, response.text + server.log.read_text("utf-8")[-3000:]
    found = response.json()
    if path.endswith("models"):
        (embedder,) = [one for one in found["embedders"] if one["chosen"]]
        assert (embedder["name"], embedder["loaded"]) == ("multilingual-e5-small", True)
        assert [model["loaded"] for model in found["generators"] if model["chosen"]] == [False]
        return
    assert found["memory"]["process_bytes"] > 50 << 20
    assert {queue["name"]: queue["places"] for queue in found["queues"]} == {
        "search": 128 + min(4, cores()),
        "extract": 32 + max(1, cores() - 1),
        "chat": 40,
    }
    with server.client(server.new_key("write")) as writer:
        problem(writer.get(path), 403, "forbidden")


def test_a_question_is_taken_back_with_all_after_it(server: Server, admin: httpx.Client, handbook: str) -> None:
    body = {"knowledge_base": handbook, "question": "How is the device reset?", "keep": True, "stream": False}
    first = admin.post("/api/v1/chat", json=body).json()
    place = f"/api/v1/conversations/{first['conversation_id']}"
    admin.post("/api/v1/chat", json={**body, "keep": False, "conversation_id": first["conversation_id"]})
    messages = admin.get(place).json()["messages"]
    assert len(messages) == 4
    with server.client(server.new_key("read")) as stranger:
        problem(stranger.delete(f"{place}/messages/{messages[2]['id']}"), 404, "not_found")
    assert admin.delete(f"{place}/messages/{messages[2]['id']}").status_code == 204
    assert admin.get(place).json()["messages"] == messages[:2]
    problem(admin.delete(f"{place}/messages/{messages[2]['id']}"), 404, "not_found")

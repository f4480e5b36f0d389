"""The main job over HTTP: upload, search, ask, look after."""

import hashlib
import io
import zipfile

import httpx

from tests.api.conftest import HANDBOOK, PROGRAM, Server, events, finished, gone, problem, upload

QUESTION = "How do I reset the device?"


def test_what_is_uploaded_is_found_and_answers(admin: httpx.Client, handbook: str) -> None:
    text = str(HANDBOOK["device.txt"])
    found = admin.post("/api/v1/search", json={"knowledge_bases": [handbook], "question": QUESTION, "k": 3}).json()
    scores = [hit["score"] for hit in found["hits"]]
    assert scores == sorted(scores, reverse=True)
    assert all(hit["knowledge_base"] == handbook for hit in found["hits"])
    best = found["hits"][0]
    assert best["document"] == "device.txt"
    assert best["text"] in text
    assert set(best["stages"]) <= {"dense", "lexical"}

    body = {"knowledge_base": handbook, "question": QUESTION, "stream": False}
    answer = admin.post("/api/v1/chat", json=body).json()
    assert answer["refused"] is False
    assert all(citation["quote"] in text for citation in answer["citations"] if citation["document"] == "device.txt")


def test_an_answer_streams_in_order(admin: httpx.Client, handbook: str) -> None:
    body = {"knowledge_base": handbook, "question": QUESTION}
    with admin.stream("POST", "/api/v1/chat", json=body) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        found = list(events(response))
    names = [name for name, _ in found]
    assert (names[0], names[-1]) == ("retrieved", "done")
    assert set(names[1:-1]) == {"token"}
    done = found[-1][1]
    assert "".join(data["text"] for name, data in found if name == "token") == done["answer"]
    assert done["hits"] == found[0][1]["hits"]
    whole = admin.post("/api/v1/chat", json={**body, "stream": False}).json()
    assert {key: whole[key] for key in ("answer", "citations")} == {key: done[key] for key in ("answer", "citations")}


def test_several_bases_make_one_ranking(admin: httpx.Client, handbook: str, empty: str) -> None:
    text = "The reset button of the spare device is under the lid. Resetting the device takes a minute."
    finished(admin, upload(admin, empty, {"spare.txt": text})["id"])
    body = {"question": QUESTION, "k": 4}
    both = admin.post("/api/v1/search", json={**body, "knowledge_bases": [handbook, empty]}).json()["hits"]
    parts = [
        admin.post("/api/v1/search", json={**body, "knowledge_bases": [b]}).json()["hits"] for b in (handbook, empty)
    ]
    merged = sorted((hit for part in parts for hit in part), key=lambda hit: -hit["score"])[:4]
    assert both == merged
    assert {hit["knowledge_base"] for hit in both} == {handbook, empty}


def test_tags_and_pages_bound_a_search(admin: httpx.Client, handbook: str) -> None:
    documents = admin.get(f"/api/v1/knowledge-bases/{handbook}/documents").json()["documents"]
    chosen = next(one for one in documents if one["name"] == "device.txt")
    path = f"/api/v1/knowledge-bases/{handbook}/documents/{chosen['id']}"
    assert admin.put(f"{path}/tags", json={"tags": ["old"]}).json()["tags"] == ["old"]
    assert admin.put(f"{path}/tags", json={"tags": ["device"]}).json()["tags"] == ["device"]
    body = {"knowledge_bases": [handbook], "question": QUESTION}
    for only, names in (
        ({"tags": ["device"]}, {"device.txt"}),
        ({"tags": ["old"]}, set()),
        ({"tags": ["device"], "since": "2999-01-01T00:00:00+08:00"}, set()),
    ):
        hits = admin.post("/api/v1/search", json={**body, "only": only}).json()["hits"]
        assert {hit["document"] for hit in hits} == names
    place = f"/api/v1/knowledge-bases/{handbook}/tags"
    assert admin.get(place).json() == {"tags": [{"tag": "device", "documents": 1}]}
    problem(admin.put(f"{path}/tags", json={"tags": ["x" * 65]}), 422, "invalid_request")


def test_a_filter_looks_in_these_documents_only(admin: httpx.Client, handbook: str) -> None:
    body = {"knowledge_bases": [handbook], "question": QUESTION, "only": {"documents": ["出差.txt"]}}
    hits = admin.post("/api/v1/search", json=body).json()["hits"]
    assert {hit["document"] for hit in hits} == {"出差.txt"}


def test_documents_are_listed_downloaded_and_deleted(admin: httpx.Client, empty: str) -> None:
    content = b"Only the zeppelin carries mail on Sundays.\n"
    finished(admin, upload(admin, empty, {"folder/post.txt": content})["id"])
    place = f"/api/v1/knowledge-bases/{empty}"
    (document,) = admin.get(f"{place}/documents").json()["documents"]
    assert (document["name"], document["state"]) == ("folder/post.txt", "indexed")
    assert document["sha256"] == hashlib.sha256(content).hexdigest()
    (chunk,) = admin.get(f"{place}/documents/{document['id']}/chunks").json()["chunks"]
    assert (chunk.pop("disabled"), chunk.pop("original")) == (False, None)
    assert admin.get(f"{place}/chunks/{chunk['chunk_id']}").json() == chunk
    assert content.decode()[chunk["start"] : chunk["end"]] == chunk["text"]

    download = admin.get(f"{place}/documents/{document['id']}/content")
    assert download.content == content
    assert download.headers["content-disposition"].startswith("attachment")
    assert download.headers["content-type"] == "application/octet-stream"

    assert admin.delete(f"{place}/documents/{document['id']}").status_code == 204
    problem(admin.get(f"{place}/documents/{document['id']}"), 404, "not_found")
    body = {"knowledge_bases": [empty], "question": "zeppelin mail"}
    assert admin.post("/api/v1/search", json=body).json()["hits"] == []


def test_a_bad_file_costs_only_itself(admin: httpx.Client, empty: str) -> None:
    files: dict[str, bytes | str] = {
        "good.txt": "The gate opens at nine.",
        "picture.txt": PROGRAM,
        "none.txt": b"",
    }
    job = upload(admin, empty, files)
    refused = {file["name"]: file["reason"] for file in job["details"] if file["state"] == "failed"}
    assert set(refused) == {"picture.txt", "none.txt"}
    assert "program" in refused["picture.txt"]
    over = finished(admin, job["id"])
    assert over["state"] == "done"
    assert over["files"] == {"queued": 0, "done": 1, "failed": 2, "cancelled": 0}


def test_a_file_that_is_only_found_bad_when_read_says_why(admin: httpx.Client, empty: str) -> None:
    files: dict[str, bytes | str] = {"broken.pdf": b"%PDF-1.7\nthis is not one", "a.txt": "Fine."}
    over = finished(admin, upload(admin, empty, files)["id"])
    states = {file["name"]: file for file in over["details"]}
    assert states["a.txt"]["state"] == "done"
    assert states["broken.pdf"]["state"] == "failed"
    assert states["broken.pdf"]["reason"]


def test_a_job_can_be_followed(admin: httpx.Client, empty: str) -> None:
    job = upload(admin, empty, {f"{i}.txt": f"Machine {i} is in hall {i % 5}." for i in range(20)})
    with admin.stream("GET", f"/api/v1/jobs/{job['id']}/events") as response:
        seen = [data for name, data in events(response) if name == "job"]
    assert seen[-1]["state"] == "done"
    done = [data["files"]["done"] for data in seen]
    assert done == sorted(done)
    assert done[-1] == 20
    assert job["id"] in [one["id"] for one in admin.get("/api/v1/jobs").json()["jobs"]]


def test_a_job_that_waits_can_be_cancelled(server: Server, admin: httpx.Client, empty: str) -> None:
    files = {f"{i}.txt": "\n\n".join(f"Part {i} {j} is new." for j in range(100)) for i in range(200)}
    job = upload(admin, empty, files)
    assert admin.post(f"/api/v1/jobs/{job['id']}/cancel").json()["state"] == "cancelling"
    over = finished(admin, job["id"])
    assert over["state"] == "cancelled"
    assert over["files"]["cancelled"] > 0
    assert over["files"]["queued"] == 0
    problem(admin.post(f"/api/v1/jobs/{job['id']}/cancel"), 400, "usage")
    assert gone(server.home / "uploads" / job["id"])


def test_a_kept_conversation_has_its_history_here(admin: httpx.Client, handbook: str) -> None:
    body = {"knowledge_base": handbook, "question": "What is the device's reset for?", "keep": True, "stream": False}
    first = admin.post("/api/v1/chat", json=body).json()
    follow = {"knowledge_base": handbook, "question": "How is it done?", "conversation_id": first["conversation_id"]}
    with admin.stream("POST", "/api/v1/chat", json=follow) as response:
        second = list(events(response))[-1][1]
    assert second["conversation_id"] == first["conversation_id"]
    kept = admin.get(f"/api/v1/conversations/{first['conversation_id']}").json()
    assert [turn["role"] for turn in kept["messages"]] == ["user", "assistant", "user", "assistant"]
    assert kept["messages"][1]["content"] == first["answer"]
    assert kept["messages"][1]["answer"]["citations"] == first["citations"]
    assert kept["title"] == body["question"]

    rated = {"message_id": second["message_id"], "score": 90, "reason": "just so"}
    assert admin.post("/api/v1/feedback", json=rated).status_code == 204
    last = admin.get(f"/api/v1/conversations/{first['conversation_id']}").json()["messages"][-1]
    assert (last["score"], last["reason"]) == (90, "just so")

    place = f"/api/v1/conversations/{first['conversation_id']}"
    assert admin.patch(place, json={"title": "Resetting"}).json()["title"] == "Resetting"
    assert admin.delete(place).status_code == 204
    problem(admin.get(place), 404, "not_found")


def test_a_follow_up_searches_with_its_question_before(admin: httpx.Client, handbook: str) -> None:
    history = [{"role": "user", "content": QUESTION}, {"role": "assistant", "content": "Hold the button."}]
    alone = {"knowledge_base": handbook, "question": "And when is it needed?", "stream": False}
    lost, found = (admin.post("/api/v1/chat", json={**alone, "history": past}).json() for past in ([], history))
    best = {"lost": lost["hits"][0], "found": found["hits"][0]}
    assert best["found"]["document"] == "device.txt"
    assert best["found"]["score"] > best["lost"]["score"]


def test_the_service_says_how_it_is(server: Server, admin: httpx.Client) -> None:
    with server.client("") as anybody:
        assert anybody.get("/health/live").json()["status"] == "ok"
        assert anybody.get("/health/ready").json()["status"] == "ok"
        problem(anybody.get("/metrics"), 401, "unauthorized")
    text = admin.get("/metrics").text
    assert 'kb_requests_total{method="GET",route="/health/live",status="200"}' in text
    assert all(f'kb_lane_taken{{lane="{lane}"}} 0.0' in text for lane in ("search", "extract", "chat"))


def test_an_archive_is_its_files(admin: httpx.Client, empty: str) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("inner.txt", "The archive's gate is blue.")
        archive.writestr("broken.pdf", b"%PDF-1.7\nthis is not one")
    job = finished(admin, upload(admin, empty, {"packed.zip": packed.getvalue()})["id"])
    (file,) = job["details"]
    assert file["state"] == "done"
    assert "broken.pdf" in file["reason"]
    documents = admin.get(f"/api/v1/knowledge-bases/{empty}/documents").json()["documents"]
    states = {document["name"]: document["state"] for document in documents}
    assert states == {"packed.zip/inner.txt": "indexed", "packed.zip/broken.pdf": "failed"}


def test_a_chunk_is_taken_out_of_search_and_put_back(admin: httpx.Client, empty: str) -> None:
    finished(admin, upload(admin, empty, {"a.txt": "The owl sleeps by day.", "b.txt": "The owl hunts by night."})["id"])
    body = {"knowledge_bases": [empty], "question": "What does the owl do?"}

    def found() -> dict[str, int]:
        hits = admin.post("/api/v1/search", json=body).json()["hits"]
        return {hit["document"]: hit["chunk_id"] for hit in hits}

    before = found()
    assert set(before) == {"a.txt", "b.txt"}
    place = f"/api/v1/knowledge-bases/{empty}/chunks/{before['a.txt']}"
    assert admin.post(f"{place}/disable").status_code == 204
    assert set(found()) == {"b.txt"}
    problem(admin.get(place), 404, "not_found")
    problem(admin.post(f"{place}/disable"), 404, "not_found")
    (document,) = [
        one
        for one in admin.get(f"/api/v1/knowledge-bases/{empty}/documents").json()["documents"]
        if one["name"] == "a.txt"
    ]
    listed = admin.get(f"/api/v1/knowledge-bases/{empty}/documents/{document['id']}/chunks").json()["chunks"]
    assert [chunk["disabled"] for chunk in listed] == [True]
    finished(admin, upload(admin, empty, {"c.txt": "Nothing of owls."})["id"])
    assert "a.txt" not in found(), "an ingest that mends the stores leaves it out"
    assert admin.post(f"{place}/restore").status_code == 204
    assert found()["a.txt"] == before["a.txt"]
    problem(admin.post(f"{place}/restore"), 404, "not_found")

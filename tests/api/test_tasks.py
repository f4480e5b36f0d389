"""Long work over HTTP: fetching pages, another embedder, another store, trying failed files again."""

import socket

import httpx
import pytest

from tests.api.conftest import Server, finished, gone, problem, upload


def test_a_base_moves_to_another_store_and_still_answers(admin: httpx.Client, empty: str) -> None:
    finished(admin, upload(admin, empty, {"a.txt": "The owl sleeps by day.", "b.txt": "The cat hunts."})["id"])
    body = {"knowledge_bases": [empty], "question": "What does the owl do?", "mode": "dense"}
    before = [
        (hit["chunk_id"], round(hit["score"], 4)) for hit in admin.post("/api/v1/search", json=body).json()["hits"]
    ]
    place = f"/api/v1/knowledge-bases/{empty}"
    job = admin.post(f"{place}/migrate", json={"store": "milvus"})
    assert job.status_code == 202, job.text
    assert job.json()["kind"] == "migrate"
    over = finished(admin, job.json()["id"])
    assert (over["state"], over["result"], over["error"]) == ("done", {"store": "milvus"}, None), over
    assert admin.get(place).json()["store"] == "milvus"
    assert (over["done"], over["total"]) == (2, 2)
    assert before
    problem(admin.post(f"{place}/migrate", json={"store": "milvus"}), 409, "already_exists")
    problem(admin.post(f"{place}/migrate", json={"store": "oracle"}), 422, "invalid_setting")


def test_only_known_models_are_named(server: Server, admin: httpx.Client, empty: str) -> None:
    place = f"/api/v1/knowledge-bases/{empty}/reindex"
    for name in ("/etc", str(server.home), "../..", "nobody/nothing"):
        problem(admin.post(place, json={"embedder": name}), 404, "not_found")
        problem(admin.post("/api/v1/knowledge-bases", json={"name": "x", "embedder": name}), 404, "not_found")
    over = finished(admin, admin.post(place, json={"embedder": "multilingual-e5-small"}).json()["id"])
    assert over["state"] == "failed"
    assert "already" in over["error"]
    with server.client(server.new_key("write")) as writer:
        problem(writer.post(place, json={"embedder": "multilingual-e5-small"}), 403, "forbidden")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0x7f.1"])
def test_pages_of_this_machine_are_never_fetched(admin: httpx.Client, empty: str, host: str) -> None:
    """SSRF: an address is looked at where it leads, and only public ones are connected to."""
    with socket.create_server(("127.0.0.1", 0)) as trap:
        trap.settimeout(0.3)
        address = f"http://{host}:{trap.getsockname()[1]}/latest/meta-data"
        job = admin.post(f"/api/v1/knowledge-bases/{empty}/pages", json={"addresses": [address]})
        over = finished(admin, job.json()["id"])
        assert over["files"]["failed"] == 1
        assert "not a public address" in over["details"][0]["reason"]
        with pytest.raises(TimeoutError):
            trap.accept()
    again = admin.post(f"/api/v1/jobs/{over['id']}/retry")
    assert again.status_code == 200
    assert finished(admin, over["id"])["files"]["failed"] == 1


@pytest.mark.parametrize("address", ["file:///etc/passwd", "ftp://example.org/", "gopher://x", "//x", "http://a:b@c/"])
def test_only_addresses_of_pages_are_taken(admin: httpx.Client, empty: str, address: str) -> None:
    problem(admin.post(f"/api/v1/knowledge-bases/{empty}/pages", json={"addresses": [address]}), 422, "unreadable")


def test_failed_files_are_tried_again(server: Server, admin: httpx.Client, empty: str) -> None:
    files: dict[str, bytes | str] = {"broken.pdf": b"%PDF-1.7\nthis is not one", "a.txt": "Fine.", "none.txt": b""}
    over = finished(admin, upload(admin, empty, files)["id"])
    assert over["files"] == {"queued": 0, "done": 1, "failed": 2, "cancelled": 0}
    kept = [path for path in (server.home / "uploads" / over["id"]).iterdir() if path.name != ".lock"]
    assert len(kept) == 1, "only what failed is kept, and what was refused at the door is not"
    again = admin.post(f"/api/v1/jobs/{over['id']}/retry").json()
    assert again["files"]["queued"] <= 1
    once_more = finished(admin, over["id"])
    assert once_more["files"] == over["files"]
    fine = finished(admin, upload(admin, empty, {"b.txt": "Fine too."})["id"])
    problem(admin.post(f"/api/v1/jobs/{fine['id']}/retry"), 400, "usage")
    assert gone(server.home / "uploads" / fine["id"])


def test_a_base_is_cut_anew_while_it_answers(server: Server, admin: httpx.Client, empty: str) -> None:
    place = f"/api/v1/knowledge-bases/{empty}"
    text = " ".join(f"Pump number {n} stands in hall {n % 7} and was made in {1950 + n}." for n in range(40))
    finished(admin, upload(admin, empty, {"pumps.txt": text, "gate.txt": "The gate opens at nine."})["id"])
    before = admin.get(place).json()
    assert before["splitting"] == {"size": 200, "overlap": 30, "by": "sentences", "delimiter": ""}
    documents = {one["name"]: one["id"] for one in admin.get(f"{place}/documents").json()["documents"]}
    (gate,) = admin.get(f"{place}/documents/{documents['gate.txt']}/chunks").json()["chunks"]
    assert admin.patch(f"{place}/chunks/{gate['chunk_id']}", json={"text": "The gate opens at ten."}).status_code == 200

    problem(admin.post(f"{place}/reindex", json={}), 422, "invalid_request")
    both = {"embedder": "multilingual-e5-small", "splitting": {"size": 50}}
    problem(admin.post(f"{place}/reindex", json=both), 422, "invalid_request")
    problem(admin.post(f"{place}/reindex", json={"splitting": {"size": 25}}), 422, "invalid_setting")  # overlap is 30
    with server.client(server.new_key("write")) as writer:
        problem(writer.post(f"{place}/reindex", json={"splitting": {"size": 50}}), 403, "forbidden")

    asked: dict[str, object] = {"splitting": {"size": 50, "overlap": 0}}
    over = finished(admin, admin.post(f"{place}/reindex", json=asked).json()["id"])
    assert (over["kind"], over["state"], over["done"], over["total"]) == ("reindex", "done", 2, 2), over
    result = over["result"]
    assert (result["documents"], result["failed"]) == (1, [])
    assert result["left"] == [{"document": "gate.txt", "edited": 1, "disabled": 0}]
    after = admin.get(place).json()
    assert after["splitting"] == result["splitting"] == {**before["splitting"], "size": 50, "overlap": 0}
    assert after["chunks"] == result["chunks"] > before["chunks"]
    search = {"knowledge_bases": [empty], "question": "Pump number 17", "mode": "lexical"}
    assert "Pump number 17 " in admin.post("/api/v1/search", json=search).json()["hits"][0]["text"]

    asked = {"splitting": {"size": 50}, "drop_edits": True}
    result = finished(admin, admin.post(f"{place}/reindex", json=asked).json()["id"])["result"]
    assert (result["documents"], result["unchanged"], result["left"]) == (0, 2, [])
    new = {"name": f"{empty}-2", "splitting": {"size": 120, "by": "rows"}}
    assert admin.post("/api/v1/knowledge-bases", json=new).json()["splitting"]["size"] == 120
    admin.delete(f"/api/v1/knowledge-bases/{empty}-2")

"""Documents over HTTP: pages, one by its name, sizes; and the document that a hit and a citation name."""

import httpx

from tests.api.conftest import finished, upload

PLACE = "/api/v1/knowledge-bases"


def test_pages_are_cut_and_one_is_found_by_its_name(admin: httpx.Client, empty: str) -> None:
    texts = {f"{number}.txt": f"Room {number} has {number + 3} chairs.".encode() for number in range(5)}
    finished(admin, upload(admin, empty, texts)["id"])
    place = f"{PLACE}/{empty}/documents"
    page = admin.get(place, params={"limit": 2, "offset": 3}).json()
    assert ([one["name"] for one in page["documents"]], page["total"]) == (["3.txt", "4.txt"], 5)
    assert [one["size"] for one in page["documents"]] == [len(texts["3.txt"]), len(texts["4.txt"])]
    found = admin.get(place, params={"name": "3.txt"}).json()
    assert found == {"documents": page["documents"][:1], "total": 1}
    assert admin.get(place, params={"name": "%"}).json() == {"documents": [], "total": 0}
    one = found["documents"][0]
    assert admin.get(f"{place}/{one['id']}").json() == one
    assert admin.get(f"{place}/{one['id']}/content").content == texts["3.txt"]
    tagged = admin.put(f"{place}/{one['id']}/tags", json={"tags": ["rooms"]}).json()
    assert tagged == {**one, "tags": ["rooms"]}
    assert admin.get(f"{PLACE}/{empty}/tags").json() == {"tags": [{"tag": "rooms", "documents": 1}]}
    assert admin.delete(f"{place}/{one['id']}").status_code == 204
    assert admin.get(f"{PLACE}/{empty}/tags").json() == {"tags": []}


def test_a_hit_and_a_citation_name_the_document(admin: httpx.Client, handbook: str) -> None:
    body = {"knowledge_base": handbook, "question": "How do I reset the device?", "stream": False}
    answered = admin.post("/api/v1/chat", json={**body, "mode": "extract"}).json()
    (searched, *_) = admin.post(
        "/api/v1/search", json={"knowledge_bases": [handbook], "question": body["question"]}
    ).json()["hits"]
    assert answered["citations"]
    for item in (*answered["citations"], *answered["hits"], searched):
        found = admin.get(f"{PLACE}/{handbook}/documents/{item['document_id']}").json()
        assert found["name"] == item["document"]
        chunk = admin.get(f"{PLACE}/{handbook}/chunks/{item['chunk_id']}").json()
        assert chunk["document_id"] == item["document_id"]

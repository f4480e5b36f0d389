"""Chat over several bases in one answer."""

import httpx
import pytest

from tests.api.conftest import Server, events, finished, problem, upload

QUESTION = "Where are new filters kept, and where are old pumps kept?"
SPARE = "Old pumps are kept in box K7 below the stairs."


@pytest.fixture
def both(admin: httpx.Client, handbook: str, empty: str) -> list[str]:
    """Return two bases that each hold a part of an answer."""
    finished(admin, upload(admin, empty, {"spare.txt": SPARE})["id"])
    return [handbook, empty]


def test_one_answer_cites_both_bases(admin: httpx.Client, both: list[str]) -> None:
    body = {"knowledge_bases": both, "question": QUESTION}
    with admin.stream("POST", "/api/v1/chat", json=body) as response:
        found = list(events(response))
    done = found[-1][1]
    assert found[0][1]["hits"] == done["hits"]
    assert {hit["knowledge_base"] for hit in done["hits"]} == set(both)
    scores = [hit["score"] for hit in done["hits"]]
    assert scores == sorted(scores, reverse=True)
    assert {(citation["knowledge_base"], citation["document"]) for citation in done["citations"]} == {
        (both[0], "device.txt"),
        (both[1], "spare.txt"),
    }
    whole = admin.post("/api/v1/chat", json={**body, "stream": False}).json()
    assert {key: whole[key] for key in ("answer", "citations")} == {key: done[key] for key in ("answer", "citations")}
    one = admin.post("/api/v1/chat", json={"knowledge_bases": both[1:], "question": QUESTION, "stream": False}).json()
    alone = admin.post("/api/v1/chat", json={"knowledge_base": both[1], "question": QUESTION, "stream": False}).json()
    assert (one["answer"], one["hits"]) == (alone["answer"], alone["hits"])
    assert {citation["knowledge_base"] for citation in alone["citations"]} == {both[1]}


def test_a_conversation_about_several_bases_is_kept(admin: httpx.Client, both: list[str]) -> None:
    body = {"knowledge_bases": both, "question": QUESTION, "keep": True, "stream": False}
    first = admin.post("/api/v1/chat", json=body).json()
    place = f"/api/v1/conversations/{first['conversation_id']}"
    kept = admin.get(place).json()
    assert (kept["knowledge_base"], kept["knowledge_bases"]) == (both[0], both)
    assert kept["messages"][1]["answer"]["citations"] == first["citations"]
    text = admin.get(f"{place}/markdown").text
    assert "spare.txt" in text
    assert all(name.replace("_", r"\_") in text for name in both)

    following = {"question": "And who keeps them?", "conversation_id": first["conversation_id"], "stream": False}
    again = admin.post("/api/v1/chat", json={**following, "knowledge_bases": both[::-1]})
    assert again.json()["conversation_id"] == first["conversation_id"]
    found = problem(admin.post("/api/v1/chat", json={**following, "knowledge_base": both[0]}), 400, "usage")
    assert both[1] in found["detail"]

    new = admin.post("/api/v1/conversations", json={"knowledge_bases": both, "title": "Devices"}).json()
    assert (new["knowledge_base"], new["knowledge_bases"]) == (both[0], both)
    listed = admin.get("/api/v1/conversations").json()["conversations"]
    assert [one["knowledge_bases"] for one in listed[:2]] == [both, both]


def test_the_key_must_be_for_each_base(server: Server, admin: httpx.Client, both: list[str]) -> None:
    body = {"knowledge_bases": both, "question": QUESTION, "stream": False}
    with server.client(server.new_key("read", both[0])) as some:
        assert some.post("/api/v1/chat", json={**body, "knowledge_bases": both[:1]}).status_code == 200
        found = problem(some.post("/api/v1/chat", json=body), 404, "not_found")
        assert both[1] in found["detail"]
        problem(some.post("/api/v1/chat", json={**body, "keep": True}), 404, "not_found")
        new = {"knowledge_bases": both, "title": "Devices"}
        problem(some.post("/api/v1/conversations", json=new), 404, "not_found")
        assert some.get("/api/v1/conversations").json()["conversations"] == []
    problem(admin.post("/api/v1/chat", json={**body, "knowledge_bases": [both[0], "gone"]}), 404, "not_found")


@pytest.mark.parametrize("bases", [{}, {"knowledge_bases": []}, {"knowledge_base": "a", "knowledge_bases": ["a"]}])
def test_bases_are_named_in_one_way(admin: httpx.Client, bases: dict[str, object]) -> None:
    problem(admin.post("/api/v1/chat", json={**bases, "question": QUESTION}), 422, "invalid_request")


def test_knn_lm_is_for_one_base(admin: httpx.Client, both: list[str]) -> None:
    body = {"knowledge_bases": both, "question": QUESTION, "knn_lm": True, "stream": False}
    assert "one base" in problem(admin.post("/api/v1/chat", json=body), 400, "usage")["detail"]

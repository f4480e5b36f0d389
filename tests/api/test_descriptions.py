"""What a base is about: over HTTP, to Chatchat's clients, on the command line."""

import httpx

from tests.api.conftest import Server, problem


def _about(client: httpx.Client, name: str) -> str:
    listed = client.get("/api/v1/knowledge-bases").json()["knowledge_bases"]
    (found,) = [base["description"] for base in listed if base["name"] == name]
    return str(found)


def _info(client: httpx.Client, name: str) -> str:
    listed = client.get("/knowledge_base/list_knowledge_bases").json()["data"]
    return str(next(base["kb_info"] for base in listed if base["kb_name"] == name))


def test_a_base_is_described_when_it_is_made_and_later(server: Server, admin: httpx.Client, empty: str) -> None:
    new = {"name": "described", "description": " Rules for travel · 出差 "}
    made = admin.post("/api/v1/knowledge-bases", json=new).json()
    assert made["description"] == "Rules for travel · 出差"
    place = "/api/v1/knowledge-bases/described"
    assert (_about(admin, "described"), _info(admin, "described")) == ("Rules for travel · 出差",) * 2

    with server.client(server.new_key("write", "described")) as writer:
        changed = writer.patch(place, json={"description": "Rules of 2026"})
        assert (changed.status_code, changed.json()["description"]) == (200, "Rules of 2026")
    assert admin.get(place).json() == {**made, "description": "Rules of 2026"}
    with server.client(server.new_key("read", "described")) as reader:
        problem(reader.patch(place, json={"description": "mine"}), 403, "forbidden")
    with server.client(server.new_key("admin", empty)) as stranger:
        problem(stranger.patch(place, json={"description": "mine"}), 404, "not_found")
    problem(admin.patch(place, json={"description": "x" * 10_001}), 422, "invalid_request")
    problem(admin.patch(place, json={"name": "renamed"}), 422, "invalid_request")
    assert _about(admin, "described") == "Rules of 2026"

    info = {"knowledge_base_name": "described", "kb_info": "新说明"}
    assert admin.post("/knowledge_base/update_info", json=info).json()["data"] == {"kb_info": "新说明"}
    assert _about(admin, "described") == "新说明"
    audited = admin.get("/api/v1/audit").json()["entries"]
    assert ("base.describe", "forbidden") in {(entry["action"], entry["outcome"]) for entry in audited}

    server.kb("describe", "described", "")
    assert _about(admin, "described") == ""
    admin.delete(place)

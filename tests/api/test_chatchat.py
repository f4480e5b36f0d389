"""The routes of Langchain-Chatchat 0.3, called as its clients call them."""

import json
from collections.abc import Iterator

import httpx
import openai
import pytest

from tests.api.conftest import HANDBOOK, PROGRAM, Server, events

QUESTION = "How long is the red button held to reset the device?"


@pytest.fixture
def base(admin: httpx.Client) -> Iterator[str]:
    """Return a base made by their route, with one document uploaded by theirs."""
    made = admin.post(
        "/knowledge_base/create_knowledge_base", json={"knowledge_base_name": "测试库", "kb_info": "说明"}
    )
    assert made.json() == {"code": 200, "msg": "已新增知识库 测试库", "data": None}
    failed = _upload(admin, "测试库", {"device.txt": HANDBOOK["device.txt"]})
    assert failed == {}
    yield "测试库"
    admin.post("/knowledge_base/delete_knowledge_base", json="测试库")


def _upload(client: httpx.Client, base: str, files: dict[str, bytes | str], **fields: str) -> dict[str, str]:
    parts = [("files", (name, content)) for name, content in files.items()]
    form = {"knowledge_base_name": base, "override": "false", "to_vector_store": "true", "docs": "", **fields}
    response = client.post("/knowledge_base/upload_docs", data=form, files=parts)
    assert response.status_code == 200, response.text
    failed: dict[str, str] = response.json()["data"]["failed_files"]
    return failed


def test_a_script_of_theirs_runs_through(admin: httpx.Client, base: str) -> None:
    (row,) = [row for row in admin.get("/knowledge_base/list_knowledge_bases").json()["data"] if row["kb_name"] == base]
    assert set(row) == {"id", "kb_name", "kb_info", "vs_type", "embed_model", "file_count", "create_time"}
    assert (row["kb_info"], row["file_count"]) == ("说明", 1)
    files = admin.get("/knowledge_base/list_files", params={"knowledge_base_name": base}).json()["data"]
    assert [(file["file_name"], file["in_db"]) for file in files] == [("device.txt", True)]

    asked = {"query": QUESTION, "knowledge_base_name": base, "top_k": 2, "score_threshold": 2.0}
    found = admin.post("/knowledge_base/search_docs", json=asked).json()
    assert set(found[0]) == {"page_content", "metadata", "type", "id", "score"}
    assert found[0]["metadata"]["source"] == "device.txt"
    assert 0 < found[0]["score"] <= 1
    assert admin.post("/knowledge_base/search_docs", json={**asked, "score_threshold": 0.0}).json() == []
    whole = {"query": "", "knowledge_base_name": base, "file_name": "device.txt"}
    chunks = admin.post("/knowledge_base/search_docs", json=whole).json()
    assert {chunk["metadata"]["source"] for chunk in chunks} == {"device.txt"}

    download = {"knowledge_base_name": base, "file_name": "device.txt", "preview": "true"}
    assert admin.get("/knowledge_base/download_doc", params=download).text == HANDBOOK["device.txt"]
    info = {"knowledge_base_name": base, "kb_info": "新说明"}
    assert admin.post("/knowledge_base/update_info", json=info).json()["data"] == {"kb_info": "新说明"}
    with admin.stream("POST", "/knowledge_base/recreate_vector_store", json={"knowledge_base_name": base}) as response:
        steps = [data for _, data in events(response)]
    assert steps == [{"code": 200, "msg": "(1 / 1): device.txt", "total": 1, "finished": 1, "doc": "device.txt"}]

    gone = {"knowledge_base_name": base, "file_names": ["device.txt", "no.txt"], "delete_content": True}
    failed = admin.post("/knowledge_base/delete_docs", json=gone).json()["data"]["failed_files"]
    assert list(failed) == ["no.txt"]
    assert admin.post("/knowledge_base/search_docs", json=asked).json() == []
    dropped = admin.post("/knowledge_base/delete_knowledge_base", json=base)
    assert dropped.json()["msg"] == f"成功删除知识库 {base}"


def test_what_fails_to_upload_is_named(admin: httpx.Client, base: str) -> None:
    files = {"device.txt": b"Something else.", "picture.txt": PROGRAM, "new.txt": b"A new page."}
    failed = _upload(admin, base, dict(files))
    assert set(failed) == {"device.txt", "picture.txt"}
    assert "已存在" in failed["device.txt"]
    assert _upload(admin, base, {"device.txt": b"The lamp is blue."}, override="true") == {}
    found = admin.post("/knowledge_base/search_docs", json={"query": "lamp", "knowledge_base_name": base}).json()
    assert found[0]["page_content"] == "The lamp is blue."
    asked = {"knowledge_base_name": base, "file_names": ["device.txt", "no.txt"]}
    updated = admin.post("/knowledge_base/update_docs", json=asked).json()["data"]["failed_files"]
    assert list(updated) == ["no.txt"]


@pytest.mark.parametrize(
    ("name", "code", "msg"),
    [
        ("", 404, "知识库名称不能为空，请重新填写知识库名称"),
        ("测试库", 404, "已存在同名知识库 测试库"),
        ("../etc", 403, "'../etc' cannot be the name"),
    ],
)
def test_errors_keep_their_envelope_and_are_errors(
    admin: httpx.Client,
    base: str,  # noqa: ARG001 - it must be there
    name: str,
    code: int,
    msg: str,
) -> None:
    response = admin.post("/knowledge_base/create_knowledge_base", json={"knowledge_base_name": name})
    assert response.status_code == code
    assert response.json()["code"] == code
    assert response.json()["msg"].startswith(msg)
    missing = admin.get("/knowledge_base/list_files", params={"knowledge_base_name": "没有"})
    assert (missing.status_code, missing.json()) == (404, {"code": 404, "msg": "未找到知识库 没有", "data": None})


def test_kb_chat_streams_documents_then_tokens(admin: httpx.Client, base: str) -> None:
    asked = {"query": QUESTION, "mode": "local_kb", "kb_name": base, "stream": True, "model": "any"}
    with admin.stream("POST", "/chat/kb_chat", json=asked) as response:
        chunks = [data for _, data in events(response)]
    assert chunks[0]["docs"][0].startswith("出处 [1] [device.txt](/knowledge_base/download_doc?")
    assert "seven seconds" in "".join(chunk["choices"][0]["delta"]["content"] for chunk in chunks)
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
    rated = {"message_id": chunks[-1]["message_id"], "score": 80, "reason": "好"}
    assert admin.post("/chat/feedback", json=rated).json()["code"] == 200
    whole = admin.post("/chat/kb_chat", json={**asked, "stream": False}).json()
    assert "seven seconds" in whole["choices"][0]["message"]["content"]
    only = admin.post("/chat/kb_chat", json={**asked, "stream": False, "return_direct": True}).json()
    assert (only["docs"], only["choices"][0]["message"]["content"]) == (whole["docs"], "")
    web = admin.post("/chat/kb_chat", json={**asked, "mode": "search_engine"})
    assert (web.status_code, web.json()["code"]) == (400, 400)


def test_openais_client_with_the_base_in_the_address(server: Server, base: str) -> None:
    with openai.OpenAI(base_url=f"{server.url}/knowledge_base/local_kb/{base}", api_key=server.key) as client:
        made = client.chat.completions.create(model="any", messages=[{"role": "user", "content": QUESTION}])
        assert "seven seconds" in (made.choices[0].message.content or "")
        assert "device.txt" in json.dumps(made.model_extra)


def test_temporary_files_are_ones_own(server: Server, admin: httpx.Client) -> None:
    parts = [("files", ("memo.txt", b"The password of the gate is Tiger.")), ("files", ("x.txt", PROGRAM))]
    made = admin.post("/knowledge_base/upload_temp_docs", files=parts).json()["data"]
    assert [list(failed) for failed in made["failed_files"]] == [["x.txt"]]
    asked = {"knowledge_id": made["id"], "query": "password of the gate", "top_k": 3, "score_threshold": 2.0}
    assert "Tiger" in admin.post("/knowledge_base/search_temp_docs", json=asked).json()[0]["page_content"]
    with admin.stream("POST", "/chat/file_chat", json=asked) as response:
        found = [data for _, data in events(response)]
    assert "Tiger" in "".join(data.get("answer", "") for data in found)
    assert "memo.txt" in found[-1]["docs"][0]
    again = {"prev_id": made["id"]}
    more = admin.post("/knowledge_base/upload_temp_docs", data=again, files=[("files", ("b.txt", b"More."))]).json()
    assert more["data"]["id"] == made["id"]
    assert made["id"] not in admin.get("/knowledge_base/list_knowledge_bases").text
    with server.client(server.new_key("admin")) as other:
        for route in ("/knowledge_base/search_temp_docs", "/chat/file_chat"):
            assert other.post(route, json=asked).status_code == 404
        assert other.get(f"/api/v1/knowledge-bases/{made['id']}").status_code == 404

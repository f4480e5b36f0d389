"""What a client can get wrong, or do on purpose."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlsplit

import httpx
import pytest

from tests.api.conftest import Server, events, finished, problem

JSON_ROUTES = ("/api/v1/search", "/api/v1/chat", "/api/v1/knowledge-bases", "/api/v1/feedback", "/api/v1/conversations")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a server with narrow limits."""
    server = Server(
        tmp_path_factory.mktemp("small") / "home",
        KB_SERVICE__UPLOAD_MEGABYTES="1",
        KB_SERVICE__UPLOAD_FILES="20",
        KB_SERVICE__BASE_DOCUMENTS="30",
        KB_SERVICE__BASE_MEGABYTES="1",
        KB_SERVICE__REQUESTS_PER_MINUTE="60",
    )
    with server.client() as client:
        assert client.post("/api/v1/knowledge-bases", json={"name": "narrow"}).status_code == 201
    yield server
    assert server.stop() == 0


def _waiting(server: Server) -> list[str]:
    folder = server.home / "uploads"
    return [path.name for path in folder.iterdir()] if folder.exists() else []


def _gone(server: Server) -> bool:
    """Say whether no upload is left, after a moment for the server to notice."""
    for _ in range(50):
        if not _waiting(server):
            return True
        time.sleep(0.1)
    return False


PLACE = "/api/v1/knowledge-bases/narrow/documents"


def test_a_truncated_upload_leaves_nothing(small: Server) -> None:
    body = '--x\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\nHalf a te'
    with small.client() as client:
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        found = problem(client.post(PLACE, content=body, headers=headers), 400, "usage")
        assert "ended" in found["detail"]
        problem(client.post(PLACE, content="no boundary at all", headers=headers), 400, "usage")
        problem(client.post(PLACE, content=b"", headers=headers), 400, "usage")
        empty = "--x--\r\n"
        problem(client.post(PLACE, content=empty, headers=headers), 400, "usage")
    assert _gone(small)


@pytest.mark.parametrize(
    "kind", ["application/json", "multipart/form-data", "text/plain", "", "multipart/form-data; boundary="]
)
def test_a_wrong_content_type_is_said(small: Server, kind: str) -> None:
    with small.client() as client:
        problem(client.post(PLACE, content=b"{}", headers={"Content-Type": kind}), 400, "usage")


def test_too_many_files_are_refused(small: Server) -> None:
    files = [("files", (f"{i}.txt", b"Text.")) for i in range(10_000)]
    with small.client() as client:
        problem(client.post(PLACE, files=files), 413, "too_large")
        problem(client.post(PLACE, files=files[:21]), 413, "too_large")
    assert _gone(small)


def test_a_base_has_a_quota(small: Server) -> None:
    with small.client() as client:
        response = client.post(PLACE, files=[("files", (f"{i}.txt", b"Text.")) for i in range(20)])
        with client.stream("GET", f"/api/v1/jobs/{response.json()['id']}/events") as stream:
            assert [data["state"] for _, data in events(stream)][-1] == "done"
        problem(client.post(PLACE, files=[("files", (f"n{i}.txt", b"Text.")) for i in range(11)]), 413, "too_large")


def test_a_base_has_a_quota_of_bytes(small: Server) -> None:
    with small.client() as client:
        assert client.post("/api/v1/knowledge-bases", json={"name": "heavy"}).status_code == 201
        place = "/api/v1/knowledge-bases/heavy/documents"
        half = b"<html><script>" + b"x" * 600_000 + b"</script><p>The pump is red.</p></html>"  # large, quickly read
        job = client.post(place, files=[("files", ("a.html", half))]).json()
        assert finished(client, job["id"])["files"]["done"] == 1
        found = problem(client.post(place, files=[("files", ("b.html", half))]), 413, "too_large")
        assert "1 MB" in found["detail"]
    assert _gone(small)


def test_an_announced_giant_is_refused_before_it_is_sent(small: Server) -> None:
    address = urlsplit(small.url)
    head = (
        f"POST {PLACE} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {small.key}\r\n"
        f"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: {2 << 30}\r\n\r\n"
    )
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=10) as connection:
        connection.sendall(head.encode())
        assert b" 413 " in connection.recv(4096).split(b"\r\n")[0]
    assert _gone(small)


def test_a_giant_that_is_not_announced_is_stopped_on_the_way(small: Server) -> None:
    def body() -> Iterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\n'
        for _ in range(100):
            yield b"a" * 65536
        yield b"\r\n--x--\r\n"

    with small.client() as client:
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        with suppress(httpx.WriteError, httpx.RemoteProtocolError):  # the server may have closed the door already
            problem(client.post(PLACE, content=body(), headers=headers), 413, "too_large")
    assert _gone(small)


def test_a_client_that_goes_in_the_middle_leaves_nothing(small: Server) -> None:
    address = urlsplit(small.url)
    head = (
        f"POST {PLACE} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {small.key}\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 100000\r\n\r\n"
        '--x\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\nHalf'
    )
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=10) as connection:
        connection.sendall(head.encode())
        for _ in range(100):
            if _waiting(small):
                break
            time.sleep(0.05)
        assert _waiting(small)
    assert _gone(small)


def test_a_client_that_asks_too_often_is_told_when_to_come_again(small: Server) -> None:
    key = small.new_key("read")
    with small.client(key) as client:
        responses = [client.get("/api/v1/me") for _ in range(150)]
    statuses = [response.status_code for response in responses]
    assert set(statuses) == {200, 429}
    assert statuses[:60] == [200] * 60
    refused = responses[statuses.index(429)]
    problem(refused, 429, "rate_limited")
    assert int(refused.headers["retry-after"]) >= 1
    with small.client() as other:
        assert other.get("/api/v1/me").status_code == 200


@pytest.mark.parametrize("path", JSON_ROUTES)
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"text"', b"\xff\xfe", b'{"question": 1}'])
def test_wrong_json_is_said(admin: httpx.Client, path: str, body: bytes) -> None:
    problem(admin.post(path, content=body, headers={"Content-Type": "application/json"}), 422, "invalid_request")


def test_json_that_is_too_deep_is_said(admin: httpx.Client) -> None:
    headers = {"Content-Type": "application/json"}
    problem(admin.post("/api/v1/search", content=b"[" * 100_000, headers=headers), 400, "usage")


def test_a_key_that_is_not_known_is_named(admin: httpx.Client, handbook: str) -> None:
    body = {"knowledge_bases": [handbook], "question": "x", "top_k": 3}
    found = problem(admin.post("/api/v1/search", json=body), 422, "invalid_request")
    assert found["errors"][0]["field"] == "top_k"


@pytest.mark.parametrize("question", ["", "   ", "\0", "x" * 8001])
def test_a_question_must_be_one(admin: httpx.Client, handbook: str, question: str) -> None:
    body = {"knowledge_bases": [handbook], "question": question}
    problem(admin.post("/api/v1/search", json=body), 422, "invalid_request")


@pytest.mark.parametrize("question", ["\ud800", "a\0b", "?", "🦓" * 1000, 'AND OR NOT ( " *', "\u202e\u200f"])
def test_an_odd_question_is_answered(admin: httpx.Client, handbook: str, question: str) -> None:
    body = json.dumps({"knowledge_base": handbook, "question": question, "stream": False})
    response = admin.post("/api/v1/chat", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code in (200, 422), response.text


def test_a_body_that_is_no_upload_is_small(admin: httpx.Client) -> None:
    problem(admin.post("/api/v1/search", json={"question": "x" * (5 << 20)}), 413, "too_large")


def test_a_wrong_method_or_address_is_a_problem(admin: httpx.Client, handbook: str) -> None:
    problem(admin.put("/api/v1/search"), 405, "method_not_allowed")
    problem(admin.get("/api/v1/nothing"), 404, "not_found")
    problem(admin.get(f"/api/v1/knowledge-bases/{handbook}/documents/99999999999999999999"), 422, "invalid_request")

"""The routes that sign a browser in and out, and the headers of every answer."""

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from webui import serving
from webui.serving import SafeHeaders, make_app
from webui.shell.session_keys import COOKIE, session_keys


@pytest.fixture
def client() -> TestClient:
    """Return a client of the page's own routes, without Streamlit's."""
    made = make_app("http://127.0.0.1:7861", "auto")
    routes = [route for route in made._user_routes if isinstance(route, Route)]
    return TestClient(Starlette(routes=routes, middleware=[Middleware(SafeHeaders)]), base_url="https://kb.example.org")


def test_a_ticket_becomes_a_mark_that_no_script_can_read(client: TestClient) -> None:
    ticket = session_keys().ticket("kb_secret")
    response = client.post("/session", content=ticket)
    assert response.status_code == 204
    cookie = response.headers["set-cookie"].lower()
    assert all(part in cookie for part in ("httponly", "samesite=strict", "secure"))
    assert "kb_secret" not in cookie
    mark = response.cookies[COOKIE]
    assert session_keys().key(mark) == "kb_secret"
    assert client.post("/session", content=ticket).status_code == 403, "it is good once"
    assert client.delete("/session").status_code == 204
    assert session_keys().key(mark) is None


@pytest.mark.parametrize("content", [b"", b"made up", "票".encode(), b"x" * 10_000])
def test_what_is_no_ticket_signs_nobody_in(client: TestClient, content: bytes) -> None:
    response = client.post("/session", content=content)
    assert (response.status_code, "set-cookie" in response.headers) == (403, False)


def test_without_tls_the_cookie_still_works() -> None:
    app = Starlette(routes=[Route("/session", serving._enter, methods=["POST"])])
    response = TestClient(app).post("/session", content=session_keys().ticket("kb_secret"))
    assert "secure" not in response.headers["set-cookie"].lower()


def test_every_answer_has_safe_headers() -> None:
    app = Starlette(
        routes=[Route("/", lambda _: PlainTextResponse("x", headers={"X-Frame-Options": "ALLOW"}))],
        middleware=[Middleware(SafeHeaders)],
    )
    for path in ("/", "/none"):
        headers = TestClient(app).get(path).headers
        assert headers["x-frame-options"] == "DENY"
        assert headers["x-content-type-options"] == "nosniff"
        policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
        assert policy["default-src"] == policy["connect-src"] == "'self'"
        assert policy["object-src"] == policy["frame-ancestors"] == "'none'"

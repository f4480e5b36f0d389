"""What an answer of the service means when it is no answer."""

import httpx
import pytest

from webui.client.errors import Busy, NotThere, ServiceError, SignedOut, raise_for


def _raised(status: int, body: object = None, **headers: str) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        raise_for(httpx.Response(status, json=body, headers=headers))
    return caught.value


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, SignedOut),
        (404, NotThere),
        (429, Busy),
        (503, Busy),
        (403, ServiceError),
        (422, ServiceError),
        (500, ServiceError),
    ],
)
def test_the_status_tells_the_kind(status: int, kind: type[ServiceError]) -> None:
    error = _raised(status, {"code": "some_code", "detail": "What is wrong.", "hint": "What to do."})
    assert type(error) is kind
    assert (error.code, error.message, error.hint, str(error)) == (
        "some_code",
        "What is wrong.",
        "What to do.",
        "What is wrong.",
    )


@pytest.mark.parametrize(("said", "seconds"), [("17", 17), ("", 3), ("Wed, 21 Oct 2015 07:28:00 GMT", 3), ("-5", 3)])
def test_when_to_come_again(said: str, seconds: int) -> None:
    assert _raised(503, {}, **({"Retry-After": said} if said else {})).seconds == seconds


def test_errors_of_the_chatchat_routes_say_msg() -> None:
    assert _raised(400, {"msg": "No such file."}).message == "No such file."


@pytest.mark.parametrize("body", [None, [], "text", {}])
def test_a_body_that_says_nothing(body: object) -> None:
    error = _raised(502, body)
    assert (error.code, error.message) == ("error", "HTTP 502")


def test_a_page_of_a_proxy_in_between_is_no_problem_document() -> None:
    with pytest.raises(ServiceError, match="HTTP 502"):
        raise_for(httpx.Response(502, html="<h1>Bad gateway</h1>"))


@pytest.mark.parametrize("status", [200, 204, 302])
def test_an_answer_is_no_error(status: int) -> None:
    raise_for(httpx.Response(status))

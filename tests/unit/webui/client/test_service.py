"""Who the key is, and what it may do."""

import pytest

from tests.api.conftest import Server
from webui.client.errors import Away, SignedOut
from webui.client.service import Me, Service


def test_an_administrator_may_everything(service: Service) -> None:
    me = service.me
    assert (me.scope, me.knowledge_bases, me.may_create) == ("admin", None, True)
    service.ready()


def test_a_key_for_one_base_may_not_make_others(server: Server, handbook: str) -> None:
    me = Service(server.url, server.new_key("admin", handbook)).me
    assert (me.scope, me.knowledge_bases, me.may_create) == ("admin", [handbook], False)


@pytest.mark.parametrize(
    ("scope", "may"), [("read", [True, False, False]), ("write", [True, True, False]), ("admin", [True, True, True])]
)
def test_a_scope_holds_those_below_it(scope: str, may: list[bool]) -> None:
    me = Me.model_validate({"id": "x", "scope": scope, "knowledge_bases": None})
    assert [me.may("read"), me.may("write"), me.may("admin")] == may


@pytest.mark.parametrize("key", ["", "kb_not_a_key"])
def test_a_key_that_is_not_valid(server: Server, key: str) -> None:
    with pytest.raises(SignedOut):
        _ = Service(server.url, key).me


def test_where_nobody_answers() -> None:
    with pytest.raises(Away, match=r"does not answer \(ConnectError\)") as caught:
        Service("http://127.0.0.1:9", "key").ready()
    assert caught.value.hint == "Start it with: kb serve"


def test_a_document_by_its_name(service: Service, handbook: str) -> None:
    assert service.original(handbook, "出差.txt").decode().startswith("出差回来后")


def test_a_whole_answer(service: Service, handbook: str) -> None:
    body = {"knowledge_bases": [handbook], "question": "How do I reset the device?", "mode": "extract"}
    answer = service.answer(body)
    citation = answer.citation(1)
    assert citation is not None
    assert "red button" in answer.answer
    hit = answer.hit(citation)
    assert hit is not None
    assert hit.text[citation.start - hit.start : citation.end - hit.start] == citation.quote
    assert answer.citation(99) is None

"""API keys: made, listed, revoked."""

from tests.ui.conftest import said
from tests.ui.fake_service import NOW, FakeService
from tests.unit.webui.conftest import Draw


def _script(url: str) -> None:
    from tests.unit.webui.drawing import visit_of
    from webui.pages.system.screen import draw_keys

    draw_keys(visit_of(url))


def _key(id_: str, name: str, **more: object) -> dict[str, object]:
    return {"id": id_, "name": name, "scope": "read", "knowledge_bases": None, "created": NOW, "revoked": None, **more}


def test_ones_own_and_revoked_ones_cannot_be_revoked(draw: Draw, fake: FakeService) -> None:
    keys = [_key("me", "mine"), _key("k2", "*other*"), _key("k3", "old", revoked=NOW)]
    fake.canned["GET", "/api/v1/keys"] = {"keys": keys}
    page = draw(_script, fake.url)
    assert "\\*other\\*" in said(page)
    assert [button.key for button in page.button if str(button.key).startswith("revoke")] == ["revoke_k2"]
    page.button(key="revoke_k2").click().run()
    assert ("DELETE", "/api/v1/keys/k2", None) in fake.calls

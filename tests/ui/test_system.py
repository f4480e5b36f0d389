"""The system page with a fake service."""

from tests.ui.conftest import Open, said
from tests.ui.fake_service import NOW, FakeService

STATUS = {
    "version": "9.9",
    "memory": {"process_bytes": 3 << 30, "free_bytes": 5 << 30},
    "disk_free_bytes": 7 << 30,
    "queues": [{"name": "search", "running": 2, "waiting": 1, "places": 10}],
    "jobs": {},
}
KEY = {"scope": "read", "knowledge_bases": ["handbook"], "created": NOW, "revoked": None}


def prepare(fake: FakeService) -> None:
    model = {"name": "SmolLM2", "chosen": True, "loaded": False}
    fake.canned[("GET", "/api/v1/models")] = {"embedders": [], "generators": [model]}
    fake.canned[("GET", "/api/v1/system")] = STATUS
    keys = [{**KEY, "id": "me", "name": "mine"}, {**KEY, "id": "k2", "name": "*other*"}]
    fake.canned[("GET", "/api/v1/keys")] = {"keys": keys}


def test_an_administrator_sees_memory_queues_and_keys(screen: Open, fake: FakeService) -> None:
    prepare(fake)
    page = screen("system")
    assert not page.exception
    assert [metric.value for metric in page.metric] == ["9.9", "3.0 GiB", "5.0 GiB", "7.0 GiB"]
    assert "running 2 · waiting 1 · places 10" in said(page)
    assert "\\*other\\*" in said(page)
    assert [button.key for button in page.button if button.key and button.key.startswith("revoke")] == ["revoke_k2"]


def test_a_key_is_revoked(screen: Open, fake: FakeService) -> None:
    prepare(fake)
    screen("system").button(key="revoke_k2").click().run()
    assert ("DELETE", "/api/v1/keys/k2", None) in fake.calls


def test_a_new_key_is_shown_once(screen: Open, fake: FakeService) -> None:
    prepare(fake)
    page = screen("system")
    fake.canned[("POST", "/api/v1/keys")] = {**KEY, "id": "k3", "name": "script", "key": "kb_k3_secret"}
    page.text_input[0].set_value("script")
    page.button[[button.label for button in page.button].index("Make a key")].click().run()
    assert [code.value for code in page.code] == ["kb_k3_secret"]
    assert not page.run().code


def test_others_see_models_and_jobs_only(screen: Open, fake: FakeService) -> None:
    prepare(fake)
    fake.scope = "write"
    page = screen("system")
    assert not page.metric
    assert "SmolLM2" in said(page)
    assert not fake.called("GET", "/api/v1/keys")
    assert not fake.called("GET", "/api/v1/system")

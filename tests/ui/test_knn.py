"""The kNN-LM page with a fake service."""

from typing import Any

from tests.ui.conftest import Open, nodes, said, text
from tests.ui.fake_service import FakeService, answer


def token(word: str, mass: float, document: str | None = None) -> dict[str, Any]:
    sources = [{"document": document, "chunk_id": 1, "start": 0, "offset": 0, "mass": mass}] if document else []
    numbers = {"lambda": 0.25, "mass": mass, "probability": 0.5, "entropy": 1.0, "decided": mass > 0.25}
    return {"token": word, **numbers, "sources": sources}


TRACE = {
    "keys": 1234,
    "decided": 1,
    "reason": None,
    "tokens": [token("Hold", 0.0), token(" the", 0.1, "device.txt"), token(" button", 0.4, "manual.txt")],
}


def ask(page: Any) -> Any:  # noqa: ANN401 - AppTest
    page.text_input[0].set_value("How?")
    return page.button[[button.label for button in page.button].index("Ask")].click().run()


def test_words_are_coloured_by_their_document(screen: Open, fake: FakeService) -> None:
    fake.canned[("POST", "/api/v1/chat")] = answer(mode="generate", knn_lm=TRACE)
    page = ask(screen("knn"))
    assert not page.exception
    (body,) = fake.called("POST", "/api/v1/chat")
    assert (body["mode"], body["knn_lm"]) == ("generate", {"scope": "retrieved", "closed_book": False})
    (passage,) = nodes(page, "tokens_knn")
    assert [node.get("cls") for node in passage["children"]] == ["token", "token c1", "token c0"]
    assert text(passage) == "Hold the button"
    assert "1 of 3 tokens" in said(page)
    assert text(nodes(page, "legend_knn")) == "manual.txtdevice.txtfrom the model alone"


def test_a_base_without_a_datastore_is_said(screen: Open, fake: FakeService) -> None:
    page = screen("knn")
    fake.failure = (404, "not_found", "'handbook' has no datastore yet.")
    page = ask(page)
    assert "no datastore yet" in said(page)


def test_why_no_neighbours_were_asked_is_said(screen: Open, fake: FakeService) -> None:
    reason = "the base is empty"
    fake.canned[("POST", "/api/v1/chat")] = answer(mode="generate", knn_lm={**TRACE, "tokens": [], "reason": reason})
    assert reason in said(ask(screen("knn")))

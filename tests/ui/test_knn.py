"""The kNN-LM page with a fake service."""

from typing import Any

import pytest

from tests.ui.conftest import Open, nodes, said, text
from tests.ui.fake_service import NOW, FakeService, answer, job


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


PLACE = "/api/v1/knowledge-bases/handbook/knn"
DATASTORE = {"model": "SmolLM2", "changed": NOW, "bytes": 3 << 20, "tuned": None}


@pytest.fixture(autouse=True)
def _built(fake: FakeService) -> None:
    fake.canned[("GET", PLACE)] = {"possible": True, "datastores": [DATASTORE]}


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


def test_a_datastore_is_built_first(screen: Open, fake: FakeService) -> None:
    fake.canned[("GET", PLACE)] = {"possible": True, "datastores": []}
    page = screen("knn")
    assert not page.text_input, "there is nothing to ask yet"
    page.toggle(key="tune_handbook").set_value(True).run()
    page.button(key="build_knn").click().run()
    assert fake.called("POST", PLACE) == [{"tune": True}]
    fake.jobs.append(job("knn", "running", done=1, total=4))
    assert "kNN-LM datastore · 1 of 4" in said(page.run())


def test_who_may_not_build_is_told_whom_to_ask(screen: Open, fake: FakeService) -> None:
    fake.canned[("GET", PLACE)] = {"possible": True, "datastores": []}
    fake.scope = "read"
    page = screen("knn")
    assert not page.button
    assert "who may write can do it" in said(page)


def test_a_model_that_gives_no_states_is_said(screen: Open, fake: FakeService) -> None:
    fake.canned[("GET", PLACE)] = {"possible": False, "datastores": []}
    page = screen("knn")
    assert "does not let its inner states be read" in said(page)
    assert not page.button


def test_what_is_built_is_said(screen: Open) -> None:
    page = screen("knn")
    assert "Built for SmolLM2 · 3.0 MiB" in said(page)
    assert page.button(key="build_knn").label == "Bring up to date"

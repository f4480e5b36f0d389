"""Search as the page asks for it."""

import pytest

from tests.api.conftest import Server
from webui.client.connection import Connection
from webui.client.errors import ServiceError
from webui.client.search import Search

QUESTION = "How do I reset the device?"


@pytest.fixture
def search(server: Server) -> Search:
    return Search(Connection(server.url, server.key))


def test_the_best_passages_with_their_scores_and_places(search: Search, handbook: str) -> None:
    found = search.find([handbook], QUESTION, 5)
    best = found[0]
    assert (best.document, best.knowledge_base) == ("device.txt", handbook)
    assert "red button" in best.text
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    assert {"dense", "lexical"} <= set(best.stages)
    assert len(search.find([handbook], QUESTION, 1)) == 1


def test_only_some_documents_are_looked_in(search: Search, handbook: str) -> None:
    only = {"documents": ["出差.txt"]}
    found = search.find([handbook], QUESTION, 5, only=only)
    assert {one.document for one in found} == {"出差.txt"}


def test_why_a_passage_was_found(search: Search, handbook: str) -> None:
    hit = search.find([handbook], QUESTION, 1)[0]
    said = search.explain(handbook, QUESTION, hit.chunk_id, 5)
    assert (said.chunk_id, said.document) == (hit.chunk_id, "device.txt")
    assert {standing.stage: standing.rank for standing in said.stages}["dense"] == 1
    assert all(limit.passed for limit in said.limits)


def test_a_mode_that_is_none_is_refused(search: Search, handbook: str) -> None:
    with pytest.raises(ServiceError):
        search.find([handbook], QUESTION, 5, mode="guess")

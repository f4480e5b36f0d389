"""`kb search`, `kb ask`."""

import pytest

from kb_server.cli import questions
from kb_server.core.errors import NotFound
from tests.unit.cli.conftest import Run, parsed


def test_passages_are_found(run: Run) -> None:
    hits = parsed(run(questions, "search", "notes", "Where does the owl sleep?", "-k", "1", "--json"))["hits"]
    assert [hit["document"] for hit in hits] == ["owl.txt"]
    shown = run(questions, "search", "notes", "owl")
    assert "The owl sleeps in the barn." in shown
    with pytest.raises(NotFound):
        run(questions, "search", "none", "owl")


def test_an_answer_is_a_quote_with_its_source(run: Run) -> None:
    answer = parsed(run(questions, "ask", "notes", "Where does the owl sleep?", "--mode", "extract", "--json"))
    assert (answer["mode"], answer["refused"]) == ("extract", False)
    assert answer["citations"][0]["document"] == "owl.txt"
    assert answer["citations"][0]["quote"] == "The owl sleeps in the barn."

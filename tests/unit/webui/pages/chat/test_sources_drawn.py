"""Where an answer comes from."""

from typing import Any

import pytest

from tests.ui.conftest import nodes, said, text
from tests.ui.fake_service import PASSAGE, QUOTE, FakeService, answer, hit
from tests.unit.webui.conftest import Draw


def _hits(found: list[dict[str, object]]) -> None:
    from webui.client.chunks import Hit
    from webui.pages.chat.sources import draw_hits
    from webui.shell.phrases import Say

    draw_hits(Say("en"), [Hit.model_validate(one) for one in found], "h")


def _citation(url: str, given: dict[str, object], number: int) -> None:
    from tests.unit.webui.drawing import visit_of
    from webui.client.answers import Answer
    from webui.pages.chat.sources import open_citation

    open_citation(visit_of(url), "handbook", Answer.model_validate(given), number)


def test_a_passage_stands_with_its_place_its_scores_and_its_text_as_it_is(draw: Draw) -> None:
    evil = "<b>*x*</b> [y](z)"
    page = draw(_hits, [hit(document="a*b.txt", text=evil)])
    assert "**1. a\\*b\\.txt** · page 3 · Manual › Reset" in said(page)
    assert text(nodes(page, "h_1")) == evil
    assert "handbook" not in said(page)


def test_the_base_is_named_where_passages_are_of_several(draw: Draw) -> None:
    page = draw(_hits, [hit(), {**hit(2), "knowledge_base": "*notes*"}])
    badges = [element.value for element in page.markdown]
    assert any("\\*notes\\*" in str(badge) for badge in badges)


def test_other_places_of_the_same_words_are_listed_up_to_ten(draw: Draw) -> None:
    also = [{"document": f"{number}.txt", "page": number, "heading_path": []} for number in range(1, 14)]
    listed = said(draw(_hits, [{**hit(), "also": also}]))
    assert "10\\.txt · page 10" in listed
    assert "11\\.txt" not in listed
    assert listed.splitlines()[-1] == "- and 3 more"


def test_nothing_found_is_said(draw: Draw) -> None:
    page = draw(_hits, [])
    assert (len(page.caption), len(page.expander)) == (1, 0)


def _marked(shown: Any) -> str:  # noqa: ANN401 - nodes
    if isinstance(shown, str):
        return ""
    if isinstance(shown, list):
        return "".join(map(_marked, shown))
    return text(shown) if shown["tag"] == "mark" else _marked(shown["children"])


def test_a_citation_opens_its_passage_with_the_quote_marked(draw: Draw, fake: FakeService) -> None:
    page = draw(_citation, fake.url, answer(), 1)
    shown = nodes(page, "cited")
    assert text(shown) == PASSAGE
    assert _marked(shown) == QUOTE
    assert not page.warning


def test_one_that_does_not_back_its_sentence_says_so(draw: Draw, fake: FakeService) -> None:
    assert len(draw(_citation, fake.url, answer(supported=False), 1).warning) == 1


@pytest.mark.parametrize("number", [2, 99])
def test_a_number_that_is_no_citation_opens_nothing(draw: Draw, fake: FakeService, number: int) -> None:
    page = draw(_citation, fake.url, answer(), number)
    assert not page.markdown
    assert not fake.calls


def test_of_a_passage_that_is_gone_the_quote_is_left(draw: Draw, fake: FakeService) -> None:
    place = "/api/v1/knowledge-bases/handbook/chunks/1"
    fake.refusals["GET", place] = (404, "not_found", "No.")
    page = draw(_citation, fake.url, {**answer(), "hits": []}, 1)
    assert _marked(nodes(page, "cited")) == text(nodes(page, "cited")) == QUOTE

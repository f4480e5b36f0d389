"""The report: whole in one file, without scripts, and with every text escaped."""

import re
from collections.abc import Sequence
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from kb_server.core.domain import EvalCase
from kb_server.evaluation.compare import parse_threshold, shortfalls
from kb_server.evaluation.outcomes import Outcome
from kb_server.evaluation.reports import TITLES, render, worst_cases
from kb_server.evaluation.scoring import ANSWERS, RETRIEVAL, score, summarise
from tests.unit.evaluation.made import case, citation, outcome, passages

EVIL = "</pre><script>alert('&x')</script><img src=x onerror=alert(1)>"
SETUP = {
    "version": "0",
    "mode": "extract",
    "judge": None,
    "settings": {"note": EVIL},
    "knowledge_base": {"name": EVIL, "documents": 2, "embedder": "e"},
}


def _outcomes() -> list[Outcome]:
    evil = EvalCase(id=EVIL, question=EVIL, answers=(EVIL,), documents=(EVIL,), kind=EVIL)
    return score(
        [
            outcome(case("1", "a", answers=["x"]), passages("a"), "x [1]", [citation(1, 0, "a")], confidence=0.4),
            outcome(case("2", "a", answers=["x"]), passages("b", "a"), "no", confidence=0.9),
            outcome(evil, passages(EVIL, text=EVIL), EVIL + "y", confidence=0.95),
            outcome(case("3", answerable=False), passages("b"), "x", confidence=0.5),
            outcome(case("4", answerable=False), refused=True, confidence=0.1),
            outcome(case("5", "z", answers=["x"]), passages("b"), refused=True, confidence=0.2),
        ]
    )


class Tags(HTMLParser):
    """Collects what a page has."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


def _page(outcomes: Sequence[Outcome]) -> str:
    return render(
        outcomes, {**summarise(outcomes), "warnings": [EVIL], "left_out": [{"where": EVIL, "reason": EVIL}], **SETUP}
    )


def test_texts_are_escaped_and_nothing_is_fetched() -> None:
    page = _page(_outcomes())
    tags = Tags()
    tags.feed(page)
    assert not tags.tags & {"script", "img", "link", "iframe", "object"}
    assert not {name for name in tags.attributes if name.startswith("on")}
    assert not re.search(r"""(src|href)=["'](?!#)""", page.replace("xmlns:xlink", ""))
    assert "&lt;script&gt;" in page


def test_plots_are_well_formed_and_follow_the_page() -> None:
    plots = re.findall(r"<svg.*?</svg>", _page(_outcomes()), flags=re.DOTALL)
    assert len(plots) == 3
    for plot in plots:
        ElementTree.fromstring(plot.replace("<svg ", '<svg xmlns:xlink="http://www.w3.org/1999/xlink" ', 1))  # noqa: S314 - our own
        assert "currentColor" in plot
        assert "#010203" not in plot
    ids = re.findall(r'\bid="([^"]+)"', "".join(plots))
    assert len(ids) == len(set(ids))
    assert set(re.findall(r"url\(#([^)]+)\)", "".join(plots))) <= set(ids)


def test_the_report_speaks_both_languages() -> None:
    page = _page(_outcomes())
    for heading in ("Retrieval", "检索", "Refusal", "拒答", "Worst cases", "最差的问题", "Settings", "设置"):
        assert heading in page
    assert set(TITLES) >= {*RETRIEVAL, *ANSWERS}


def test_the_worst_cases_are_the_surest_wrong_ones() -> None:
    found = [(item.case.id, english) for english, _, item in worst_cases(_outcomes())]
    assert found == [
        ("2", "the answer does not hold an accepted one"),
        ("3", "answered, but the documents do not say"),
        ("5", "refused, but there is an answer"),
    ]


def test_a_run_of_one_case_that_nothing_is_known_of() -> None:
    assert "Worst cases" in _page(score([outcome(case("1"))]))


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_thresholds(value: float) -> None:
    summary = summarise(score([outcome(case("1", "a"), passages("a" if value else "b"))]))
    bound = parse_threshold("recall@5=0.9", RETRIEVAL)
    assert shortfalls(summary, [bound]) == ([] if value else ["recall@5 is 0.0000, less than 0.9"])
    assert shortfalls(summary, [("contains", 0.1)]) == ["contains is not known: no case has it"]

"""Searches kept to some documents and pages."""

from typing import Any

from tests.cli.conftest import Kb

QUESTION = "How much GPU memory does ChatGLM-6B need?"


def _documents(kb: Kb, *options: str) -> set[str]:
    found: Any = kb.json("search", "samples", QUESTION, "-k", "20", *options)
    return {hit["document"] for hit in found["hits"]}


def test_tags_pages_and_days(stocked: Kb) -> None:
    assert stocked.json("tag", "samples", "user-manual.pdf", "--add", "manual")["tags"] == {
        "user-manual.pdf": ["manual"]
    }
    tagged = {one["name"]: one["tags"] for one in stocked.json("docs", "samples")["documents"]}
    assert tagged["user-manual.pdf"] == ["manual"]
    assert tagged["员工手册.docx"] == []
    assert _documents(stocked, "--tag", "manual") == {"user-manual.pdf"}
    found = stocked.json("search", "samples", QUESTION, "-k", "20", "--pages", "2-3")["hits"]
    assert {hit["page"] for hit in found} == {2, 3}
    assert _documents(stocked, "--since", "2999-01-01") == set()
    assert _documents(stocked, "--until", "2999-01-01") == _documents(stocked)
    answer = stocked.json("ask", "samples", QUESTION, "--tag", "nothing has this")
    assert answer["refused"] is True
    assert "user-manual.pdf" in stocked("tag", "samples").out


def test_pages_that_are_none(stocked: Kb) -> None:
    status, error = stocked.error("search", "samples", QUESTION, "--pages", "three")
    assert (status, error["code"]) == (2, "usage")
    assert "three" in error["message"]

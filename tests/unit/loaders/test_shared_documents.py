"""The shared sample documents: words seen in them by eye are found where they stand.

`documents.expected.jsonl` was written by reading the files themselves (unzipped, in other programs, with the eye), not
from what the loaders say. A line has a file, words, and the page (or slide, sheet, chapter) and a heading above them.
"""

import json
from collections import defaultdict
from typing import Any

import pytest

from kb_server.core.domain import Block, Document
from loaders import load
from tests.paths import DATA, SHARED

DOCUMENTS = SHARED / "data" / "documents"
EXPECTED = [json.loads(line) for line in (DATA / "documents.expected.jsonl").read_text("utf-8").splitlines()]
LEAST_RECALL = 0.98

pytestmark = pytest.mark.skipif(not DOCUMENTS.is_dir(), reason="the shared sample documents are not here")


def _joined(text: str) -> str:
    return " ".join(text.split())


def _stands_there(document: Document, block: Block, expected: dict[str, Any]) -> bool:
    text = _joined(document.text[block.start : block.end])
    under = expected.get("heading", "")
    return (
        _joined(expected["words"]) in text
        and block.page == expected.get("page", block.page)
        and (not under or any(under in title for title in block.heading_path))
    )


def _missing(expected: list[dict[str, Any]]) -> list[dict[str, Any]]:
    by_file: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for each in expected:
        by_file[each["file"]].append(each)
    missing = []
    for name, lines in by_file.items():
        document = load(DOCUMENTS / name, name)
        missing += [line for line in lines if not any(_stands_there(document, each, line) for each in document.blocks)]
    return missing


def test_enough_files_are_looked_at() -> None:
    assert len({each["file"] for each in EXPECTED}) >= 40


def test_words_are_found_where_they_stand() -> None:
    expected = [each for each in EXPECTED if not each.get("slow")]
    missing = _missing(expected)
    assert len(missing) <= (1 - LEAST_RECALL) * len(expected), missing


@pytest.mark.slow
def test_words_in_pictures_are_found() -> None:
    assert _missing([each for each in EXPECTED if each.get("slow")]) == []

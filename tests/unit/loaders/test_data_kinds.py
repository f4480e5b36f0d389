"""JSON, XML, notebooks, subtitles and code."""

import json
from pathlib import Path

import pytest

from kb_server.core.domain import BlockKind
from kb_server.core.errors import LoadError
from loaders import load


def _load(folder: Path, name: str, content: str | bytes) -> list[tuple[str, str]]:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    document = load(path, name)
    return [(block.kind, document.text[block.start : block.end]) for block in document.blocks]


def test_json_records_are_lines_with_their_names(tmp_path: Path) -> None:
    content = '[{"sku": "GRD-1", "price": 12.50, "tags": ["a", "b"], "size": {"w": 3}}, {"sku": "GRD-2", "in": true}]'
    expected = "sku: GRD-1; price: 12.50; tags: a, b; size.w: 3\nsku: GRD-2; in: true"
    assert _load(tmp_path, "a.json", content) == [("list", expected)]


def test_json_lines(tmp_path: Path) -> None:
    assert _load(tmp_path, "a.jsonl", '{"a": 1}\n\n{"a": null, "b": "x"}\n') == [("list", "a: 1\nb: x")]


def test_lines_that_are_no_json_are_told_and_cost_themselves(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('oops\n{"a": 1}\n{"b": \n{"a": 2}\n{"a": 3}\n', "utf-8")
    document = load(path, path.name)
    assert document.text == "a: 1\na: 2\na: 3"
    assert document.set_aside == {"lines that are no valid JSON: 1, 3": 2}


def test_json_objects_keep_lists_of_records_apart(tmp_path: Path) -> None:
    content = '{"title": "Stock", "items": [{"n": 1}, {"n": 2}]}'
    assert _load(tmp_path, "a.json", content) == [("list", "title: Stock\nitems.n: 1\nitems.n: 2")]


def test_long_values_get_a_block_of_their_own(tmp_path: Path) -> None:
    content = json.dumps([{"id": 1}, {"id": 2, "text": "word " * 60}, {"id": 3}])
    kinds = [kind for kind, _ in _load(tmp_path, "a.json", content)]
    assert kinds == [BlockKind.LIST, BlockKind.PARAGRAPH, BlockKind.LIST]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.json", '{"a": 1,\n oops}', "no valid JSON: line 2"),
        ("a.jsonl", '{"a": 1}\n{"b": \noops\n', "no valid JSON: line 2"),
        ("a.json", "[" * 100_000, "nested too deeply"),
        ("a.json", '{"a":' * 500 + "1" + "}" * 500, "nested too deeply"),
        ("a.ipynb", "{}", "without cells"),
        ("a.xml", "<a><b></a>", "no valid XML"),
        ("a.xml", "<a>" * 100_000, "nested too deeply"),
        ("a.xml", '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', "entities of its own"),
    ],
)
def test_what_cannot_be_read_says_why(tmp_path: Path, name: str, content: str, reason: str) -> None:
    with pytest.raises(LoadError, match=reason):
        _load(tmp_path, name, content)


def test_xml_records_are_lines_and_mixed_text_is_prose(tmp_path: Path) -> None:
    content = """<?xml version="1.0"?><book xmlns="urn:x">
    <entry no="7"><name>US</name><capital>Washington</capital></entry>
    <p>Some <b>bold</b> words.</p></book>"""
    assert _load(tmp_path, "a.xml", content) == [
        ("list", "no: 7; name: US; capital: Washington"),
        ("paragraph", "Some bold words."),
    ]


def test_xml_in_another_encoding_than_it_says(tmp_path: Path) -> None:
    content = '<?xml version="1.0" encoding="UTF-8"?><a>中文内容在这里</a>'.encode("utf-16")
    assert _load(tmp_path, "a.xml", content) == [("paragraph", "中文内容在这里")]


def test_notebooks(tmp_path: Path) -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# Title\n", "Words."]},
        {
            "cell_type": "code",
            "source": "x = 1\nprint(x)",
            "outputs": [
                {"output_type": "stream", "text": ["1\n"]},
                {"data": {"text/plain": "two", "image/png": "iVBORw0KGgo"}},
            ],
        },
    ]
    assert _load(tmp_path, "a.ipynb", json.dumps({"cells": cells, "nbformat": 4})) == [
        ("heading", "Title"),
        ("paragraph", "Words."),
        ("code", "x = 1\nprint(x)"),
        ("code", "1"),
        ("code", "two"),
    ]


def test_subtitles_keep_their_times(tmp_path: Path) -> None:
    first = "1\r\n00:00:01,000 --> 00:00:04,000\r\n<i>Good</i> morning,\r\nsir.\r\n\r\n"
    content = f"{first}2\r\n00:01:05,500 --> 00:01:06,000\r\n再见\r\n"
    assert _load(tmp_path, "a.srt", content) == [("list", "00:00:01 Good morning, sir.\n00:01:05 再见")]


@pytest.mark.parametrize("name", ["a.py", "a.yaml", "a.toml", "a.sql"])
def test_code_stays_as_it_is(tmp_path: Path, name: str) -> None:
    code = "def f():\n    # <html>\n\n    return 1"
    assert _load(tmp_path, name, code) == [("code", code)]

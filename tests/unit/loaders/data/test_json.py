"""JSON, and JSON lines."""

import json
from pathlib import Path

import pytest

from kb_server.core.domain import BlockKind
from kb_server.core.errors import LoadError
from loaders.data.json import JsonLoader
from tests.unit.loaders.reading import blocks, read


def test_json_records_are_lines_with_their_names(tmp_path: Path) -> None:
    content = '[{"sku": "GRD-1", "price": 12.50, "tags": ["a", "b"], "size": {"w": 3}}, {"sku": "GRD-2", "in": true}]'
    expected = "sku: GRD-1; price: 12.50; tags: a, b; size.w: 3\nsku: GRD-2; in: true"
    assert blocks(read(JsonLoader(), tmp_path, "a.json", content)) == [("list", expected)]


def test_json_lines(tmp_path: Path) -> None:
    assert blocks(read(JsonLoader(), tmp_path, "a.jsonl", '{"a": 1}\n\n{"a": null, "b": "x"}\n')) == [
        ("list", "a: 1\nb: x")
    ]


def test_lines_that_are_no_json_are_told_and_cost_themselves(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('oops\n{"a": 1}\n{"b": \n{"a": 2}\n{"a": 3}\n', "utf-8")
    document = JsonLoader().load(path, path.name)
    assert document.text == "a: 1\na: 2\na: 3"
    assert document.set_aside == {"lines that are no valid JSON: 1, 3": 2}


def test_json_objects_keep_lists_of_records_apart(tmp_path: Path) -> None:
    content = '{"title": "Stock", "items": [{"n": 1}, {"n": 2}]}'
    assert blocks(read(JsonLoader(), tmp_path, "a.json", content)) == [("list", "title: Stock\nitems.n: 1\nitems.n: 2")]


def test_long_values_get_a_block_of_their_own(tmp_path: Path) -> None:
    content = json.dumps([{"id": 1}, {"id": 2, "text": "word " * 60}, {"id": 3}])
    kinds = [kind for kind, _ in blocks(read(JsonLoader(), tmp_path, "a.json", content))]
    assert kinds == [BlockKind.LIST, BlockKind.PARAGRAPH, BlockKind.LIST]


def test_numbers_stay_as_they_are_written(tmp_path: Path) -> None:
    """Neither 1.10 nor a number of twenty digits survives a float."""
    content = '{"price": 1.10, "id": 12345678901234567890, "far": 1e400, "odd": NaN, "on": false}'
    (only,) = blocks(read(JsonLoader(), tmp_path, "a.json", content))
    assert only == ("list", "price: 1.10; id: 12345678901234567890; far: 1e400; odd: NaN; on: false")


def test_more_than_twenty_broken_lines_are_counted_but_not_all_named(tmp_path: Path) -> None:
    content = '{"a": 1}\n{"a": \n' * 25 + '{"a": 1}\n'
    document = read(JsonLoader(), tmp_path, "a.jsonl", content)
    ((said, count),) = document.set_aside.items()
    assert count == 25
    assert said.endswith(": " + ", ".join(str(n) for n in range(2, 41, 2)) + " …")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('{"a": 1,\n oops}', "no valid JSON: line 2"),
        ('{"a": 1}\n{"b": \noops\n', "no valid JSON: line 2"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a":' * 500 + "1" + "}" * 500, "nested too deeply"),
    ],
)
def test_what_cannot_be_read_says_why(tmp_path: Path, content: str, reason: str) -> None:
    with pytest.raises(LoadError, match=reason):
        read(JsonLoader(), tmp_path, "a.json", content)

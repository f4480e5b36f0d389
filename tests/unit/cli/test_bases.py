"""`kb create`, `kb list`, `kb describe`, `kb delete`."""

import pytest

from kb_server.cli import bases
from kb_server.core.errors import AlreadyExists, NotFound
from tests.unit.cli.conftest import Run, parsed


def test_bases_are_listed_with_what_is_in_them(run: Run) -> None:
    (row,) = parsed(run(bases, "list", "--json"))["knowledge_bases"]
    assert (row["name"], row["documents"], row["chunks"], row["embedder"]) == ("notes", 2, 2, "toy")
    shown = run(bases, "list", chinese=True)
    assert "notes" in shown
    assert "文档" in shown


def test_one_is_made_described_and_deleted(run: Run) -> None:
    made = parsed(
        run(bases, "create", "会议", "--embedder", "toy", "--chunk-size", "40", "--chunk-overlap", "0", "--json")
    )
    assert made == {"name": "会议", "store": "faiss", "embedder": "toy"}
    with pytest.raises(AlreadyExists):
        run(bases, "create", "会议")
    assert "Minutes [2026]" in run(bases, "describe", "会议", "Minutes [2026]")
    row = next(one for one in parsed(run(bases, "list", "--json"))["knowledge_bases"] if one["name"] == "会议")
    assert (row["description"], row["splitting"]["size"]) == ("Minutes [2026]", 40)
    run(bases, "delete", "会议", status=1)  # nobody says yes
    assert parsed(run(bases, "delete", "会议", "--json")) == {"deleted": "会议"}
    with pytest.raises(NotFound):
        run(bases, "delete", "会议", "--yes")

"""`kb snapshot …`."""

from pathlib import Path

import pytest

from kb_server.cli import snapshots
from kb_server.core.errors import NotFound
from tests.unit.cli.conftest import Run, parsed
from tests.workshop import Workshop


def test_one_is_made_compared_brought_back_and_forgotten(run: Run, shop: Workshop, tmp_path: Path) -> None:
    made = parsed(run(snapshots, "snapshot", "create", "notes", "before", "--json"))
    assert (made["name"], made["documents"], made["chunks"]) == ("before", 2, 2)
    shop.ingest("notes", tmp_path / "texts", owl=None, cat="The cat sleeps.", dog="The dog barks.")
    shown = run(snapshots, "snapshot", "diff", "notes", "before")
    assert shown.split("\n")[:3] == ["+ dog.txt", "- owl.txt", "~ cat.txt"]
    restored = parsed(run(snapshots, "snapshot", "restore", "notes", "before", "--json"))
    assert (restored["added"], restored["removed"], restored["changed"]) == (["owl.txt"], ["dog.txt"], ["cat.txt"])
    assert "before" in run(snapshots, "snapshot", "list", "notes")
    assert "No difference." in run(snapshots, "snapshot", "diff", "notes", "before")
    assert parsed(run(snapshots, "snapshot", "delete", "notes", "before", "--json")) == {"deleted": "before"}
    names = [row["name"] for row in parsed(run(snapshots, "snapshot", "list", "notes", "--json"))["snapshots"]]
    assert names == [restored["undo"]]
    with pytest.raises(NotFound):
        run(snapshots, "snapshot", "diff", "notes", "before")

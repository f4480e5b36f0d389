"""`kb ingest`, `kb docs`, `kb remove`."""

from pathlib import Path

import pytest

from kb_server.cli import documents
from kb_server.core.errors import NotFound
from tests.unit.cli.conftest import Run, parsed


def test_documents_are_shown_with_their_state(run: Run) -> None:
    rows = parsed(run(documents, "docs", "notes", "--json"))["documents"]
    assert {row["name"]: (row["state"], row["chunks"]) for row in rows} == {
        "cat.txt": ("indexed", 1),
        "owl.txt": ("indexed", 1),
    }
    assert "owl.txt" in run(documents, "docs", "notes")


def test_a_file_that_cannot_be_read_is_listed_and_the_rest_goes_in(run: Run, tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "dog.txt").write_text("The dog barks.", "utf-8")
    (tmp_path / "more" / "bad[1].txt").write_bytes(bytes(range(256)) * 4)
    report = parsed(run(documents, "ingest", "notes", str(tmp_path / "more"), "--json", status=3))
    assert report["added"] == 1
    assert "not text" in report["failed"][0]["reason"]
    shown = run(documents, "ingest", "notes", str(tmp_path / "more"), status=3)
    assert "bad[1].txt" in shown
    run(documents, "ingest", "notes", str(tmp_path / "none.txt"), status=1)


def test_one_is_removed(run: Run) -> None:
    run(documents, "remove", "notes", "owl.txt", "--json")
    assert "owl.txt" not in run(documents, "docs", "notes")
    with pytest.raises(NotFound):
        run(documents, "remove", "notes", "owl.txt")
    with pytest.raises(NotFound):
        run(documents, "ingest", "none", ".")

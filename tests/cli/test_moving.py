"""Snapshots, export, import and migration at the terminal."""

from pathlib import Path

import pytest

from tests.cli.conftest import Kb


@pytest.fixture
def notes(kb: Kb, tmp_path: Path) -> Kb:
    """Return the command with a base `notes` of two documents."""
    kb.json("create", "notes")
    write(tmp_path, bells="The bell rings at nine.", lunch="Lunch is served at noon.")
    kb.json("ingest", "notes", tmp_path / "texts")
    return kb


def write(folder: Path, **texts: str) -> None:
    (folder / "texts").mkdir(exist_ok=True)
    for name, text in texts.items():
        (folder / "texts" / f"{name}.txt").write_text(text, "utf-8")


def test_snapshots(notes: Kb, tmp_path: Path) -> None:
    made = notes.json("snapshot", "create", "notes", "before")
    assert (made["name"], made["documents"]) == ("before", 2)
    write(tmp_path, lunch="Lunch is served at one.", tea="Tea is at four.")
    notes.json("ingest", "notes", tmp_path / "texts")
    difference = {"added": ["tea.txt"], "removed": [], "changed": ["lunch.txt"]}
    assert notes.json("snapshot", "diff", "notes", "before") == difference
    restored = notes.json("snapshot", "restore", "notes", "before")
    assert (restored["removed"], restored["changed"]) == (["tea.txt"], ["lunch.txt"])
    assert notes.json("ask", "notes", "When is lunch served?")["answer"].startswith("Lunch is served at noon.")
    undone = notes.json("snapshot", "restore", "notes", restored["undo"])
    assert undone["added"] == ["tea.txt"]
    names = [row["name"] for row in notes.json("snapshot", "list", "notes")["snapshots"]]
    assert names == ["before", restored["undo"], undone["undo"]]
    notes.json("snapshot", "delete", "notes", "before")
    assert notes.error("snapshot", "restore", "notes", "before")[1]["code"] == "not_found"


def test_a_person_sees_what_changed(notes: Kb, tmp_path: Path) -> None:
    assert "2 documents" in notes("snapshot", "create", "notes", "s").out
    notes("remove", "notes", "lunch.txt")
    assert "- lunch.txt" in notes("snapshot", "diff", "notes", "s").out
    assert "Undo with: kb snapshot restore notes" in notes("snapshot", "restore", "notes", "s").out.replace("\n", " ")
    assert "2 documents" in notes("export", "notes", tmp_path / "n.zip").out


def test_export_import_and_migrate(notes: Kb, tmp_path: Path) -> None:
    file = tmp_path / "notes.kb.zip"
    assert notes.json("export", "notes", file)["documents"] == 2
    assert notes.error("import", file)[1]["code"] == "already_exists"
    assert notes.json("import", file, "--name", "copy", "--store", "milvus")["store"] == "milvus"
    question = ("When does the bell ring?",)
    assert notes.json("ask", "copy", *question)["answer"] == notes.json("ask", "notes", *question)["answer"]
    assert notes.json("migrate", "copy", "--store", "faiss") == {"name": "copy", "store": "faiss"}
    assert notes.error("migrate", "copy", "--store", "nonsense")[1]["code"] == "invalid_setting"
    assert notes.error("import", tmp_path / "texts" / "bells.txt", "--name", "x")[1]["code"] == "broken_archive"
    bases = {row["name"]: row for row in notes.json("list")["knowledge_bases"]}
    assert bases["copy"]["chunks"] == bases["notes"]["chunks"] == 2
    assert bases["copy"]["index"] == {"dimension": 384, "kind": "exact", "parameters": {}, "recall@10": 1.0}


def test_the_main_job_on_milvus_lite(kb: Kb, tmp_path: Path) -> None:
    kb.json("create", "notes", "--store", "milvus")
    write(tmp_path, bells="The bell rings at nine.", lunch="Lunch is served at noon.")
    assert kb.json("ingest", "notes", tmp_path / "texts")["added"] == 2
    assert kb.json("search", "notes", "lunch", "--mode", "dense")["hits"][0]["document"] == "lunch.txt"
    assert kb.json("ask", "notes", "When is lunch served?")["answer"].startswith("Lunch is served at noon.")
    kb.json("remove", "notes", "lunch.txt")
    hits = kb.json("search", "notes", "lunch", "--mode", "dense")["hits"]
    assert [hit["document"] for hit in hits] == ["bells.txt"]
    (base,) = kb.json("list")["knowledge_bases"]
    assert (base["store"], base["index"]["kind"], base["index"]["place"]) == ("milvus", "FLAT", "lite")
    kb.json("delete", "notes", "--yes")
    assert list((kb.home / "bases").iterdir()) == []


def test_a_server_that_is_away_concerns_only_its_bases(notes: Kb) -> None:
    away = {"KB_STORE__MILVUS__URI": "http://127.0.0.1:1", "KB_STORE__MILVUS__TIMEOUT": "0.3"}
    notes.json("create", "far", "--store", "milvus", **away)
    status, error = notes.error("search", "far", "lunch", "--mode", "dense", **away)
    assert (status, error["code"]) == (1, "store_unavailable")
    assert "127.0.0.1" in error["message"]
    assert notes.json("search", "notes", "lunch", **away)["hits"]
    assert len(notes.json("list", **away)["knowledge_bases"]) == 2

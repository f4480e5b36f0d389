"""What an ingest says of files that are cleaned, and of those that go over a limit."""

from pathlib import Path

import pytest

from kb_server.ingest.service import IngestService
from loaders.isolate.loader import IsolatedLoader, ReadLimits
from tests.cli.conftest import Kb


def test_noise_is_reported_and_secrets_are_not_indexed(kb: Kb, tmp_path: Path) -> None:
    paper = tmp_path / "a.txt"
    paper.write_text("Write to jane@mail.example.org about the lighthouse.\n\n" + "~!@#$%^&*()_+" * 8, "utf-8")
    kb.json("create", "notes")
    report = kb.json("ingest", "notes", paper, KB_CLEANING__REDACT='["email"]')
    reason = "binary or meaningless characters"
    assert report["set_aside"] == [{"document": "a.txt", "reason": reason, "blocks": 1}]
    (hit,) = kb.json("search", "notes", "lighthouse")["hits"]
    assert hit["text"] == "Write to [email] about the lighthouse."


def test_lines_that_cannot_be_read_are_reported(kb: Kb, tmp_path: Path) -> None:
    records = tmp_path / "a.jsonl"
    records.write_text('{"keeper": "Anna"}\n{"keeper": \n{"keeper": "Bert"}\n', "utf-8")
    kb.json("create", "notes")
    report = kb.json("ingest", "notes", records)
    reason = "lines that are no valid JSON: 2"
    assert report["set_aside"] == [{"document": "a.jsonl", "reason": reason, "blocks": 1}]


@pytest.mark.parametrize("blow", ["hang", "crash", "eat"])
def test_a_bad_file_costs_itself(kb: Kb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, blow: str) -> None:
    papers = tmp_path / "papers"
    papers.mkdir()
    for number in range(6):
        (papers / f"{number}.txt").write_text(f"paper {number} is fine", "utf-8")
    (papers / "3.txt").write_text(blow, "utf-8")
    loader = IsolatedLoader(ReadLimits(seconds=4, megabytes=1024), "tests.unit.loaders.isolate.misbehaving:load")
    monkeypatch.setattr(IngestService, "_loader", loader)
    try:
        kb.json("create", "notes")
        result = kb("ingest", "notes", papers, "--json")
    finally:
        loader.close()
    assert result.status == 3
    assert result.out["added"] == 5
    (failed,) = result.out["failed"]
    assert failed["path"].endswith("3.txt")
    assert "loading." in failed["reason"]
    states = {each["name"]: each["state"] for each in kb.json("docs", "notes")["documents"]}
    assert (states.pop("3.txt"), set(states.values())) == ("failed", {"indexed"})

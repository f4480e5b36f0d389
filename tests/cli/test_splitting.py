"""Splitting by base and by folder."""

from pathlib import Path

import pytest

from tests.cli.conftest import Kb

FAQ = "question,answer\n" + "".join(f"What is thing {n}?,It is number {n} of the things.\n" for n in range(6))


def test_a_base_and_a_folder_have_their_own_splitting(kb: Kb, tmp_path: Path) -> None:
    papers = tmp_path / "papers"
    (papers / "faq").mkdir(parents=True)
    (papers / "all.csv").write_text(FAQ, "utf-8")
    (papers / "faq" / "each.csv").write_text(FAQ, "utf-8")
    (papers / "faq" / ".kb.yaml").write_text("by: rows\n", "utf-8")
    kb.json("create", "notes", "--chunk-size", "300", "--chunk-overlap", "0")
    kb.json("ingest", "notes", papers)
    chunks = {document["name"]: document["chunks"] for document in kb.json("docs", "notes")["documents"]}
    assert chunks == {"all.csv": 1, "faq/each.csv": 6}


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--chunk-size", "5"), "invalid_setting", "splitting.size"),
        (("--chunk-size", "50", "--chunk-overlap", "50"), "invalid_setting", "less than size"),
        (("--split-by", "pages"), "invalid_setting", "splitting.by"),
        (("--split-by", "delimiter"), "invalid_setting", "go together"),
    ],
)
def test_a_wrong_splitting_makes_no_base(kb: Kb, options: tuple[str, ...], code: str, said: str) -> None:
    status, error = kb.error("create", "notes", *options)
    assert (status, error["code"]) == (2, code)
    assert said in error["message"]
    assert kb.json("list")["knowledge_bases"] == []


@pytest.mark.parametrize(("written", "code"), [("size: many\n", "invalid_setting"), ("sise: 100\n", "unknown_setting")])
def test_a_wrong_folder_file_is_named(kb: Kb, tmp_path: Path, written: str, code: str) -> None:
    papers = tmp_path / "papers"
    papers.mkdir()
    (papers / "a.txt").write_text("Some text.", "utf-8")
    (papers / ".kb.yaml").write_text(written, "utf-8")
    kb.json("create", "notes")
    status, error = kb.error("ingest", "notes", papers)
    assert (status, error["code"]) == (2, code)
    assert ".kb.yaml" in error["message"]


def test_a_base_is_cut_anew(kb: Kb, tmp_path: Path) -> None:
    file = tmp_path / "faq.csv"
    file.write_text(FAQ, "utf-8")
    kb.json("create", "notes")
    kb.json("ingest", "notes", file)
    report = kb.json("reindex", "notes", "--split-by", "rows")
    assert (report["documents"], report["chunks"], report["left"], report["failed"]) == (1, 6, [], [])
    assert "1 come out the same" in kb("reindex", "notes", "--split-by", "rows").out
    for options in ((), ("--chunk-size", "100", "--embedder", "other")):
        status, error = kb.error("reindex", "notes", *options)
        assert (status, error["code"]) == (2, "usage")

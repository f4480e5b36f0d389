"""What goes wrong from outside: each ends with the right exit status and names the value that was wrong."""

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Kb, Result
from tests.paths import SAMPLES
from tests.small_disk import small_disk_at

COMMAND = Path(sys.executable).with_name("kb")
GOOD = "The canteen opens at noon.\n"
WRONG_NAMES = ["..", "../up", "a/b", "a\\b", "nul\0name", "x" * 300, "", " ", ".hidden", "a..b", "new\nline"]
USES_A_BASE = [
    ("ingest", str(SAMPLES / "faq.md")),
    ("docs",),
    ("remove", "faq.md"),
    ("search", "anything"),
    ("ask", "anything"),
    ("delete",),
]


@pytest.fixture
def notes(kb: Kb) -> Kb:
    """Return the command with an empty base `notes`."""
    kb.json("create", "notes")
    return kb


@pytest.fixture
def papers(tmp_path: Path) -> Path:
    """Return a folder with one good file."""
    folder = tmp_path / "papers"
    folder.mkdir()
    (folder / "good.txt").write_text(GOOD, "utf-8")
    return folder


def failures(result: Result, status: int) -> dict[str, str]:
    """Return path → reason of an ingest that failed wholly or in part."""
    assert (result.status, result.err) == (status, "")
    return {Path(failure["path"]).name: failure["reason"] for failure in result.out["failed"]}


def test_a_missing_file(notes: Kb, papers: Path) -> None:
    assert "no such file" in failures(notes("ingest", "notes", papers / "gone.md", "--json"), 1)["gone.md"]
    both = notes("ingest", "notes", papers / "gone.md", papers, "--json")
    assert list(failures(both, 3)) == ["gone.md"]
    assert both.out["added"] == 1


def broken_files() -> dict[str, bytes]:
    manual = (SAMPLES / "user-manual.pdf").read_bytes()
    document = (SAMPLES / "员工手册.docx").read_bytes()
    return {
        "empty.txt": b"",
        "empty.pdf": b"",
        "truncated.pdf": manual[: len(manual) // 3],
        "truncated.docx": document[: len(document) // 2],
        "nul.txt": b"\0" * 5000,
        "blank.md": b" \n\n \n",
        "picture.png": b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
    }


def test_broken_files_cost_only_themselves(notes: Kb, papers: Path) -> None:
    for name, content in broken_files().items():
        (papers / name).write_bytes(content)
    result = notes("ingest", "notes", papers, "--json")
    failed = failures(result, 3)
    assert set(failed) == set(broken_files())
    assert all(len(reason) > 15 and "Traceback" not in reason for reason in failed.values())
    assert result.out["added"] == 1
    states = {document["name"]: document["state"] for document in notes.json("docs", "notes")["documents"]}
    assert states.pop("good.txt") == "indexed"
    assert set(states.values()) == {"failed"}
    # Again: the good one is known, the broken ones are told again; mended, they go in.
    assert set(failures(notes("ingest", "notes", papers, "--json"), 3)) == set(broken_files())
    (papers / "empty.txt").write_text("No longer empty.\n", "utf-8")
    assert notes("ingest", "notes", papers, "--json").out["added"] == 1
    documents = notes.json("docs", "notes")["documents"]
    assert len(documents) == 8
    assert {document["name"] for document in documents if document["state"] == "indexed"} == {"good.txt", "empty.txt"}


def test_each_failure_is_a_line_that_says_the_path_once(notes: Kb, papers: Path) -> None:
    (papers / "empty.txt").write_bytes(b"")
    (papers / "sheet.docx").write_bytes(b"PK\x03\x04 broken")
    result = notes("ingest", "notes", papers, papers / "none.txt", COLUMNS="60")
    assert result.status == 3
    assert result.out.splitlines()[-4:] == [
        "Not ingested",
        f"✗ {papers}/empty.txt is empty.",
        f"✗ {papers}/none.txt: There is no such file. Check the path.",
        f"✗ {papers}/sheet.docx is a damaged Office document or archive. Save or download it again.",
    ]
    assert "未能导入" in notes("ingest", "notes", papers, KB_LANGUAGE="zh").out


def test_an_encrypted_pdf(notes: Kb, papers: Path) -> None:
    manual = (SAMPLES / "user-manual.pdf").read_bytes()
    head, trailer, tail = manual.rpartition(b"trailer")
    if not trailer:
        pytest.skip("the sample has no trailer to put a lock into")
    key = b"<" + b"ab" * 32 + b">"
    lock = b"/Encrypt << /Filter /Standard /V 1 /R 2 /O " + key + b" /U " + key + b" /P -4 >> /ID [<00><00>]"
    (papers / "locked.pdf").write_bytes(head + trailer + tail.replace(b"<<", b"<< " + lock, 1))
    reason = failures(notes("ingest", "notes", papers, "--json"), 3)["locked.pdf"]
    assert "password" in reason or "encrypt" in reason


@pytest.mark.parametrize("name", WRONG_NAMES)
def test_a_wrong_name_is_refused_by_create(kb: Kb, name: str) -> None:
    status, error = kb.error("create", "--", name) if name.startswith("-") else kb.error("create", name)
    assert (status, error["code"]) == (2, "invalid_name")
    assert repr(name)[1:60] in error["message"] if name else "''" in error["message"]
    assert len(error["message"]) < 300
    assert not (kb.home / "bases").exists()


@pytest.mark.parametrize("command", USES_A_BASE, ids=lambda command: command[0])
def test_a_base_that_is_not_there(kb: Kb, command: tuple[str, ...]) -> None:
    for name in ("missing", *WRONG_NAMES):
        status, error = kb.error(command[0], name, *command[1:])
        assert status == 2
        assert error["code"] in ("not_found", "invalid_name")
        assert name != "missing" or "'missing'" in error["message"]
        assert error["hint"]
    assert kb("chat", "missing").status == 2
    assert kb.json("list") == {"knowledge_bases": []}


def test_a_base_that_exists(notes: Kb) -> None:
    status, error = notes.error("create", "notes")
    assert (status, error["code"]) == (2, "already_exists")
    assert "'notes'" in error["message"]


def test_names_of_every_script(kb: Kb) -> None:
    for name in ("员工手册", "Архив 2024", "a.b-c_d", "x" * 64):
        assert kb.json("create", name)["name"] == name
    assert len(kb.json("list")["knowledge_bases"]) == 4


def test_unknown_documents_are_not_removed(notes: Kb, papers: Path) -> None:
    notes.json("ingest", "notes", papers)
    status, error = notes.error("remove", "notes", "good.txt", "../gone.txt")
    assert (status, error["code"]) == (2, "not_found")
    assert "../gone.txt" in error["message"]
    assert len(notes.json("docs", "notes")["documents"]) == 1


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("search", "notes", "   "), "empty"),
        (("search", "notes"), "QUESTION"),
        (("search", "notes", "x", "-k", "0"), "-k"),
        (("search", "notes", "x", "-k", "many"), "-k"),
        (("search", "notes", "x", "--mode", "psychic"), "psychic"),
        (("serch", "notes"), "serch"),
        (("docs", "notes", "--colour"), "--colour"),
        (("create", "other", "--store", "nowhere"), "nowhere"),
    ],
)
def test_wrong_usage(notes: Kb, arguments: tuple[str, ...], named: str) -> None:
    status, error = notes.error(*arguments)
    assert status == 2
    assert named in error["message"]
    assert error["hint"]


def test_an_error_without_json_is_for_people(kb: Kb) -> None:
    result = kb("docs", "missing")
    assert (result.status, result.out) == (2, "")
    assert "'missing'" in result.err
    assert "→" in result.err


def test_odd_questions_are_answered(notes: Kb, papers: Path) -> None:
    notes.json("ingest", "notes", papers)
    for question in ("\0", "\udcff canteen", '" AND ( OR ^ ~ * ?:[', "🍜" * 50, "noon " * 3000):
        assert notes.json("search", "notes", question)["hits"] is not None


def test_unknown_settings(kb: Kb, tmp_path: Path) -> None:
    status, error = kb.error("list", KB_HOEM="/tmp")  # noqa: S108 - never opened
    assert (status, error["code"]) == (2, "unknown_setting")
    assert "KB_HOEM" in error["message"]
    assert "KB_HOME" in error["hint"]
    file = tmp_path / "kb.yaml"
    file.write_text("retrieval: {kay: 3}\n", "utf-8")
    status, error = kb.error("list", "--config", file)
    assert (status, error["code"]) == (2, "unknown_setting")
    assert "retrieval.kay" in error["message"]
    status, error = kb.error("list", KB_RETRIEVAL__K="lots")
    assert (status, error["code"]) == (2, "invalid_setting")
    assert "lots" in error["message"]


def test_a_settings_file_that_is_missing(kb: Kb, tmp_path: Path) -> None:
    for status, error in (
        kb.error("list", "--config", tmp_path / "gone.yaml"),
        kb.error("list", KB_CONFIG=str(tmp_path / "gone.yaml")),
    ):
        assert (status, error["code"]) == (2, "invalid_setting")
        assert "gone.yaml" in error["message"]
    assert kb("list", "--config").status == 2


def test_a_model_that_is_not_there(kb: Kb, tmp_path: Path) -> None:
    missing = str(tmp_path / "no-model")
    status, error = kb.error("create", "notes", KB_EMBEDDING__MODEL=missing)
    assert (status, error["code"]) == (1, "model_not_found")
    assert missing in error["message"]
    assert kb.json("list") == {"knowledge_bases": []}
    assert kb.json("create", "notes")["name"] == "notes"


def test_a_model_folder_that_is_empty(kb: Kb, tmp_path: Path) -> None:
    empty = tmp_path / "empty-model"
    empty.mkdir()
    status, error = kb.error("create", "notes", "--embedder", str(empty))
    assert status == 1
    assert str(empty) in error["message"]


def test_a_home_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("not a folder", "utf-8")
    status, error = Kb(tmp_path / "home").error("list")
    assert (status, error["code"]) == (1, "storage")
    assert str(tmp_path / "home") in error["message"]


def test_a_damaged_catalog(notes: Kb) -> None:
    for leftover in notes.home.glob("catalog.db*"):
        leftover.unlink()
    (notes.home / "catalog.db").write_bytes(b"this is no database " * 500)
    status, error = notes.error("list")
    assert (status, error["code"]) == (1, "storage")
    assert "catalog.db" in error["message"]


def test_two_documents_of_one_name(notes: Kb, papers: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "good.txt").write_text("Something else.\n", "utf-8")
    result = notes("ingest", "notes", papers / "good.txt", other / "good.txt", "--json")
    assert "same document name" in failures(result, 3)["good.txt"]
    assert result.out["added"] == 1
    twice = notes("ingest", "notes", papers / "good.txt", papers / "good.txt", "--json")
    assert twice.out["unchanged"] == 1


def test_links_fifos_and_odd_names(notes: Kb, papers: Path) -> None:
    (papers / "below").mkdir()
    (papers / "below" / "loop").symlink_to(papers, target_is_directory=True)
    (papers / "self.txt").symlink_to(papers / "self.txt")
    (papers / "dangling.txt").symlink_to(papers / "gone.txt")
    os.mkfifo(papers / "pipe.txt")
    (papers / ".hidden.txt").write_text("hidden", "utf-8")
    odd = os.fsencode(papers) + b"/odd-\xff\xfe.txt"
    with open(odd, "w", encoding="utf-8") as writer:  # noqa: PTH123 - pathlib has no bytes paths
        writer.write("A name that is not text.\n")
    (papers / "line\nbreak [bold].txt").write_text("A name of two lines.\n", "utf-8")
    results: list[Result] = []
    worker = threading.Thread(target=lambda: results.append(notes("ingest", "notes", papers, "--json")), daemon=True)
    worker.start()
    worker.join(timeout=60)
    assert results, "the ingest hangs"
    failed = failures(results[0], 3)
    assert set(failed) == {"self.txt", "dangling.txt", "pipe.txt"}
    assert "regular file" in failed["pipe.txt"]
    names = {document["name"] for document in notes.json("docs", "notes")["documents"]}
    assert names == {"good.txt", "odd-\ufffd\ufffd.txt", "line\ufffdbreak [bold].txt"}
    assert "[bold].txt" in notes("docs", "notes").out
    assert "[bold].txt" in notes("search", "notes", "name of two lines").out


def test_a_folder_without_permission(tmp_path: Path, papers: Path) -> None:
    closed = papers / "closed"
    closed.mkdir()
    (closed / "secret.txt").write_text("secret", "utf-8")
    (papers / "mine.txt").write_text("mine", "utf-8")
    closed.chmod(0)
    (papers / "mine.txt").chmod(0)
    command: list[str] = [str(COMMAND)]
    if os.geteuid() == 0:
        setpriv = shutil.which("setpriv")
        if not setpriv:
            pytest.skip("root reads everything, and setpriv is not here to give that up")
        command = [setpriv, "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all", *command]
    home = {**os.environ, "KB_HOME": str(tmp_path / "home")}
    kb = Kb(tmp_path / "home")
    kb.json("create", "notes")
    try:
        done = subprocess.run(
            [*command, "ingest", "notes", papers, "--json"], env=home, capture_output=True, text=True, check=False
        )
    finally:
        closed.chmod(0o700)
    assert (done.returncode, done.stderr) == (3, "")
    assert "closed" in done.stdout
    assert "mine.txt" in done.stdout
    assert done.stdout.count("ermission") >= 2
    assert [
        document["name"] for document in kb.json("docs", "notes")["documents"] if document["state"] == "indexed"
    ] == ["good.txt"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a file system of 3 MB."""
    with small_disk_at(tmp_path / "disk", 3) as disk:
        yield disk


def test_a_full_disk(small_disk: Path, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    filler = " " * 30_000  # takes room on the disk and none in the index
    for i in range(120):
        (folder / f"{i:03d}.txt").write_text(f"Machine {i} stands in hall {i % 9}.\n{filler}\n", "utf-8")
    kb = Kb(small_disk / "home")
    kb.json("create", "notes")
    status, error = kb.error("ingest", "notes", folder)
    assert (status, error["code"]) == (1, "storage_full")
    assert str(small_disk) in error["message"]
    assert error["hint"]
    assert kb("search", "notes", "hall", "--json").status in (0, 1)
    subprocess.run(["mount", "-o", "remount,size=100m", small_disk], check=True)
    report = kb.json("ingest", "notes", folder)
    assert report["failed"] == []
    documents = kb.json("docs", "notes")["documents"]
    assert [document["name"] for document in documents] == [f"{i:03d}.txt" for i in range(120)]
    assert {document["state"] for document in documents} == {"indexed"}
    assert kb.json("list")["knowledge_bases"][0]["chunks"] == sum(document["chunks"] for document in documents) == 120
    hits = kb.json("search", "notes", "machine hall", "-k", "100", "--mode", "lexical")["hits"]
    assert len({hit["chunk_id"] for hit in hits}) == 100

"""Archives and mail with attachments: one file that becomes several documents, and keeps in step."""

import zipfile
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.cli.conftest import Kb


@pytest.fixture
def notes(kb: Kb) -> Kb:
    """Return the command with an empty base `notes`."""
    kb.json("create", "notes")
    return kb


def _zip(path: Path, members: dict[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def _names(kb: Kb) -> dict[str, str]:
    return {each["name"]: each["state"] for each in kb.json("docs", "notes")["documents"]}


def test_an_archive_is_its_members(notes: Kb, tmp_path: Path) -> None:
    good = {"a.txt": "The canteen opens at noon.", "in/b.md": "# Rules\n\nNo smoking."}
    path = _zip(tmp_path / "bundle.zip", {**good, "bad.pdf": "no PDF", "song.mp3": b"ID3\0"})
    first = notes("ingest", "notes", path, "--json")
    assert first.status == 3
    assert {each["path"]: each["reason"] for each in first.out["failed"]}.keys() == {
        f"{path}/bad.pdf",
        f"{path}/song.mp3",
    }
    assert first.out["added"] == 2
    indexed = {"bundle.zip/a.txt": "indexed", "bundle.zip/in/b.md": "indexed"}
    assert _names(notes) == {**indexed, "bundle.zip/bad.pdf": "failed", "bundle.zip/song.mp3": "failed"}
    hit = notes.json("search", "notes", "When does the canteen open?", "-k", "1")["hits"][0]
    assert hit["document"] == "bundle.zip/a.txt"

    again = notes("ingest", "notes", path, "--json").out
    assert (again["added"], again["updated"], again["unchanged"], again["chunks"]) == (0, 0, 2, 0)

    _zip(path, {"a.txt": "The canteen opens at one.", "new.txt": "Parking is free."})
    changed = notes.json("ingest", "notes", path)
    assert (changed["added"], changed["updated"], changed["unchanged"]) == (1, 1, 0)
    assert _names(notes) == {"bundle.zip/a.txt": "indexed", "bundle.zip/new.txt": "indexed"}

    notes.json("remove", "notes", "bundle.zip")
    assert _names(notes) == {}


def test_an_archive_that_breaks_keeps_what_it_held(notes: Kb, tmp_path: Path) -> None:
    path = _zip(tmp_path / "bundle.zip", {"a.txt": "The canteen opens at noon."})
    notes.json("ingest", "notes", path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-30])
    broken = notes("ingest", "notes", path, "--json")
    assert (broken.status, broken.out["failed"][0]["path"]) == (1, str(path))
    assert _names(notes) == {"bundle.zip": "failed", "bundle.zip/a.txt": "indexed"}
    path.write_bytes(whole)
    assert notes.json("ingest", "notes", path)["unchanged"] == 1
    assert _names(notes) == {"bundle.zip/a.txt": "indexed"}


def _mail(path: Path, attachment: str = "") -> Path:
    mail = EmailMessage()
    mail["Subject"] = "Offer"
    mail["From"] = "ann@x.org"
    mail["To"] = "bob@x.org"
    mail.set_content("Please find our offer attached.")
    if attachment:
        mail.add_attachment(attachment.encode(), maintype="text", subtype="plain", filename="offer.txt")
    path.write_bytes(mail.as_bytes())
    return path


def test_a_mail_and_its_attachments(notes: Kb, tmp_path: Path) -> None:
    folder = tmp_path / "mails"
    folder.mkdir()
    path = _mail(folder / "m.eml", "The desk costs 120 euros.")
    assert notes.json("ingest", "notes", folder)["added"] == 2
    assert notes.json("ingest", "notes", folder)["unchanged"] == 2
    assert _names(notes) == {"m.eml": "indexed", "m.eml/offer.txt": "indexed"}
    _mail(path)
    assert notes.json("ingest", "notes", folder)["updated"] == 1
    assert _names(notes) == {"m.eml": "indexed"}

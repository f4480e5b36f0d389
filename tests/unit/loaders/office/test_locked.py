"""Office files under generated names, and those that need a password."""

import sys
from collections.abc import Callable
from pathlib import Path

import docx
import msoffcrypto
import openpyxl
import pptx
import pytest

from kb_server.core.errors import LoadError, MissingExtra
from loaders import load
from loaders.office.locked import Locked, unlocked
from tests.paths import DATA

SAID = "The vault opens at nine"
PASSWORD = "open sesame"  # noqa: S105 - of the files made here alone


def _write_docx(path: Path) -> None:
    document = docx.Document()
    document.add_paragraph(SAID)
    with path.open("wb") as file:
        document.save(file)


def _write_xlsx(path: Path) -> None:
    book = openpyxl.Workbook()
    book.worksheets[0]["A1"] = SAID
    with path.open("wb") as file:
        book.save(file)


def _write_pptx(path: Path) -> None:
    presentation = pptx.Presentation()
    slide = presentation.slides.add_slide(presentation.slide_layouts[5])
    slide.shapes[0].text_frame.text = SAID
    with path.open("wb") as file:
        presentation.save(file)


WRITERS = {"docx": _write_docx, "xlsx": _write_xlsx, "pptx": _write_pptx}


def locked(folder: Path, kind: str, password: str = PASSWORD) -> Path:
    plain, path = folder / f"plain.{kind}", folder / f"a.{kind}"
    write: Callable[[Path], None] = WRITERS[kind]
    write(plain)
    with plain.open("rb") as reader, path.open("wb") as writer:
        msoffcrypto.OfficeFile(reader).encrypt(password, writer)
    return path


@pytest.mark.parametrize("kind", WRITERS)
def test_a_stored_file_has_no_suffix(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "0a1b2c"
    WRITERS[kind](path)
    assert SAID in load(path, f"a.{kind}").text


@pytest.mark.parametrize("kind", WRITERS)
def test_the_right_password_among_others_opens_it(tmp_path: Path, kind: str) -> None:
    path = locked(tmp_path, kind)
    assert SAID in load(path, path.name, passwords=["wrong", PASSWORD]).text
    with pytest.raises(LoadError, match=rf"'a.{kind}' .*protected by a password\. Give .* loading\.passwords"):
        load(path, path.name)
    with pytest.raises(LoadError, match=r"a password that is not in loading\.passwords\. Add it"):
        load(path, path.name, passwords=["wrong"])


@pytest.mark.parametrize(("kind", "text"), [("doc", "保险库九点开门"), ("xls", "North")])
def test_old_files_that_libreoffice_locked(kind: str, text: str) -> None:
    path = DATA / f"locked.{kind}"
    assert text in load(path, path.name, passwords=["wrong", PASSWORD]).text
    with pytest.raises(LoadError, match=r"protected by a password\. Give .* loading\.passwords"):
        load(path, path.name)


def test_what_is_only_protected_against_changes_opens_unasked(tmp_path: Path) -> None:
    path = locked(tmp_path, "xlsx", "VelvetSweatshop")
    assert SAID in load(path, path.name).text


def test_a_damaged_lock(tmp_path: Path) -> None:
    path = locked(tmp_path, "docx")
    content = path.read_bytes()
    assert b"spinCount" in content
    path.write_bytes(content.replace(b"spinCount", b"spinDoubt"))
    with pytest.raises(LoadError, match=r"cannot be read, or is damaged. Save it without a password"):
        load(path, path.name, passwords=[PASSWORD])


def test_without_the_package_the_command_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = locked(tmp_path, "docx")
    monkeypatch.setitem(sys.modules, "msoffcrypto", None)
    with pytest.raises(MissingExtra, match=r"loading\.passwords") as caught:
        load(path, path.name, passwords=[PASSWORD])
    assert caught.value.hint == "pip install 'kb-server[passwords]'"


def test_the_unlocked_copy_is_gone_afterwards(tmp_path: Path) -> None:
    path = locked(tmp_path, "docx")
    with unlocked(path, "a.docx", [PASSWORD]) as plain:
        assert plain.read_bytes() == (tmp_path / "plain.docx").read_bytes()
    assert not plain.exists()
    with pytest.raises(Locked), unlocked(path, "a.docx", ["wrong"]):
        pass

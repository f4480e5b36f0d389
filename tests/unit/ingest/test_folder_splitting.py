"""Which splitter a file gets: the nearest folder's file changes single keys of what is above it."""

from pathlib import Path

import pytest

from kb_server.core.domain import Document, Splitting
from kb_server.core.errors import InvalidSetting, UnknownSetting
from kb_server.ingest.service import FolderSplitters
from kb_server.ingest.sources import SourceFile
from loaders.builder import DocumentBuilder


def _document() -> Document:
    builder = DocumentBuilder("a")
    builder.lines("Q: one\nA: two\nQ: three\nA: four")
    builder.paragraph("The owl sleeps in the barn. " * 40)
    return builder.build()


def _slices(splitters: FolderSplitters, path: Path, root: Path | None) -> list[str]:
    document = _document()
    splitter = splitters.of(SourceFile(path, path.name, 1, root=root))
    return [document.text[part.start : part.end] for part in splitter.split(document)]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "in" / "deep").mkdir(parents=True)
    return tmp_path


def test_without_files_the_base_decides(root: Path) -> None:
    long, short = (FolderSplitters(Splitting(size=size, overlap=0)) for size in (400, 40))
    assert len(_slices(short, root / "in" / "a.txt", root)) > len(_slices(long, root / "in" / "a.txt", root))


def test_a_subfolder_changes_single_keys_of_the_one_above(root: Path) -> None:
    (root / ".kb.yaml").write_text("by: delimiter\ndelimiter: 'Q:'\n")
    (root / "in" / "deep" / ".kb.yaml").write_text("size: 20\noverlap: 0\n")
    splitters = FolderSplitters(Splitting(size=400, overlap=0))
    above, below = (_slices(splitters, path / "a.txt", root) for path in (root / "in", root / "in" / "deep"))
    assert [text[:6] for text in above[:2]] == ["Q: one", "Q: thr"]
    assert [text[:6] for text in below[:2]] == ["Q: one", "Q: thr"]
    assert len(below) > len(above)


def test_a_file_named_by_itself_and_folders_above_the_one_asked_for_do_not_count(root: Path) -> None:
    (root / ".kb.yaml").write_text("size: 20\noverlap: 0\n")
    splitters = FolderSplitters(Splitting(size=400, overlap=0))
    plain = _slices(splitters, root / "in" / "a.txt", None)
    assert plain == _slices(splitters, root / "in" / "a.txt", root / "in")
    assert len(plain) < len(_slices(splitters, root / "in" / "a.txt", root))


@pytest.mark.parametrize(
    ("text", "kind"),
    [("sise: 20\n", UnknownSetting), ("size: many\n", InvalidSetting), ("overlap: 500\n", InvalidSetting)],
)
def test_a_mistake_names_the_file(root: Path, text: str, kind: type[Exception]) -> None:
    (root / "in" / ".kb.yaml").write_text(text)
    with pytest.raises(kind, match=r"in/\.kb\.yaml"):
        FolderSplitters(Splitting(size=400, overlap=0)).of(SourceFile(root / "in" / "a.txt", "a.txt", 1, root=root))

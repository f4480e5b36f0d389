"""Archives and mails that are several documents, and how long their members lie there."""

import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb_server.core.errors import LoadError
from kb_server.ingest.containers import Containers, names_within
from kb_server.ingest.sources import SourceFile
from loaders import unpack


def _archive(folder: Path, **members: str) -> SourceFile:
    path = folder / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in members.items():
            archive.writestr(name.replace("__", "/") + ".txt", text)
    return SourceFile(path, "docs/a.zip", path.stat().st_size)


def test_an_archive_is_its_members_and_the_last_counts_for_the_size_of_all(tmp_path: Path) -> None:
    source = _archive(tmp_path, one="One.", inner__two="Two.")
    with Containers(unpack) as containers:
        first, second = containers.open(source) or []
        assert [first.name, second.name] == ["docs/a.zip/one.txt", "docs/a.zip/inner/two.txt"]
        assert (first.size, second.size) == (0, source.size)
        assert second.shown == f"{tmp_path}/a.zip/inner/two.txt"
        assert second.path.read_text() == "Two."


def test_members_lie_there_until_the_last_of_them_is_dealt_with(tmp_path: Path) -> None:
    with Containers(unpack) as containers:
        first, second = containers.open(_archive(tmp_path, one="One.", two="Two.")) or []
        containers.done_with(first)
        assert second.path.exists()
        containers.done_with(second)
        assert not first.path.exists()
        containers.done_with(second)


def test_members_that_were_never_dealt_with_go_at_the_end(tmp_path: Path) -> None:
    with Containers(unpack) as containers:
        (only,) = containers.open(_archive(tmp_path, one="One.")) or []
        assert only.path.exists()
    assert not only.path.exists()


def test_a_file_that_holds_no_others_is_none_and_an_archive_of_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("words")
    empty = _archive(tmp_path)
    with Containers(unpack) as containers:
        assert containers.open(SourceFile(tmp_path / "a.txt", "a.txt", 5)) is None
        with pytest.raises(LoadError, match="an archive without files"):
            containers.open(empty)


def test_a_container_of_that_name_held_those_that_begin_with_it() -> None:
    within = names_within(["a.zip/one.txt", "a.zip/b.eml", "a.zip/b.eml/two.txt", "a.zip2", "c.txt"])
    assert within["a.zip"] == {"a.zip/one.txt", "a.zip/b.eml", "a.zip/b.eml/two.txt"}
    assert within["a.zip/b.eml"] == {"a.zip/b.eml", "a.zip/b.eml/two.txt"}
    assert within["c.txt"] == {"c.txt"}
    assert "a" not in within


@given(st.sets(st.text("ab/", min_size=1, max_size=8), max_size=8))
def test_a_name_is_within_itself_and_within_each_of_its_folders(names: set[str]) -> None:
    within = names_within(names)
    for holder, held in within.items():
        assert held == {name for name in names if name == holder or name.startswith(f"{holder}/")}

"""Export and import: what arrives is what left, and nothing that is not intact is taken."""

import json
import os
import shutil
import stat
import subprocess
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any
from zipfile import ZipFile, ZipInfo

import numpy as np
import pytest

from kb_server.core.errors import AlreadyExists, InvalidName, KbError, NotFound, StorageError, StorageFull
from tests.small_disk import small_disk_at
from tests.workshop import Workshop, workshop

TEXTS = {"bells": "The bell rings at nine.\n\nIt rings again at noon.", "食堂": "食堂十二点开门。", "empty": ""}


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    with workshop(tmp_path / "home") as made:
        made.app.bases.create("notes", "faiss", "toy", description="Bells, 食堂")
        made.ingest("notes", tmp_path / "texts", **TEXTS)
        yield made


@pytest.fixture
def archive(shop: Workshop, tmp_path: Path) -> Path:
    path = tmp_path / "notes.kb.zip"
    shop.app.bases.exporter.run("notes", path)
    return path


@pytest.mark.parametrize("store", ["faiss", "milvus"])
def test_what_arrives_elsewhere_is_what_left(shop: Workshop, archive: Path, tmp_path: Path, store: str) -> None:
    with workshop(tmp_path / "elsewhere") as other:
        base = other.app.bases.import_file(archive, "copy", store)
        assert (base.name, base.store, base.fingerprint) == ("copy", store, "toy-32")
        assert other.state("copy") == shop.state("notes")
        assert base.description == other.app.bases.find("copy").description == "Bells, 食堂"
        assert base.fusion == shop.app.bases.find("notes").fusion
        for question in ("bell noon", "食堂"):
            assert other.found("copy", question)[0] == shop.found("notes", question)[0]
        assert all("bell" not in text and "食堂" not in text for text in other.toy.embedded)
        mine, theirs = shop.app.bases.open("notes"), other.app.bases.open("copy")
        for name in shop.state("notes"):
            assert theirs.documents.text(name) == mine.documents.text(name)
        here, there = mine.chunks.vector_ids(), theirs.chunks.vector_ids()
        np.testing.assert_array_equal(theirs.store.vectors(there), mine.store.vectors(here))
        assert other.app.ingest.pipeline("copy").run([tmp_path / "texts"]).unchanged == len(shop.state("notes"))


def test_another_embedder_is_refused_when_it_is_used(archive: Path, tmp_path: Path) -> None:
    with workshop(tmp_path / "elsewhere") as other:
        other.app.bases.import_file(archive)
        other.toy.fingerprint = "toy of another revision"
        with pytest.raises(KbError, match="another version") as caught:
            other.app.search.retriever("notes")
        assert "kb reindex notes" in caught.value.hint


def test_names(shop: Workshop, archive: Path) -> None:
    with pytest.raises(AlreadyExists, match="notes"):
        shop.app.bases.import_file(archive)
    with pytest.raises(InvalidName):
        shop.app.bases.import_file(archive, "../up")
    with pytest.raises(NotFound):
        shop.app.bases.exporter.run("nothing", archive)


def rewritten(source: Path, target: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """Write the archive again with changed entries."""
    with ZipFile(source) as file:
        entries = {name: file.read(name) for name in file.namelist()}
    change(entries)
    with ZipFile(target, "w") as file:
        for name, content in entries.items():
            file.writestr(name, content)
    return target


def edit(**values: Any) -> Callable[[dict[str, bytes]], None]:  # noqa: ANN401 - JSON
    def change(entries: dict[str, bytes]) -> None:
        manifest = json.loads(entries["manifest.json"])
        for key, value in values.items():
            part, _, inner = key.partition("__")
            if inner:
                manifest[part][inner] = value
            else:
                manifest[part] = value
        entries["manifest.json"] = json.dumps(manifest).encode()

    return change


def replace_listed(name: str, content: bytes) -> Callable[[dict[str, bytes]], None]:
    """Change an entry and its checksum with it, as an attacker would."""

    def change(entries: dict[str, bytes]) -> None:
        entries[name] = content
        manifest = json.loads(entries["manifest.json"])
        manifest["entries"][name] = {"bytes": len(content), "sha256": sha256(content).hexdigest()}
        entries["manifest.json"] = json.dumps(manifest).encode()

    return change


def flip(entries: dict[str, bytes]) -> None:
    content = entries["vectors.f32"]
    entries["vectors.f32"] = bytes([content[0] ^ 1]) + content[1:]


def remove_document(entries: dict[str, bytes]) -> None:
    rest = b"\n".join(entries["documents.jsonl"].splitlines()[:-1])
    replace_listed("documents.jsonl", rest)(entries)


def other_original(entries: dict[str, bytes]) -> None:
    name = next(name for name in entries if name.startswith("originals/"))
    replace_listed(name, b"something else")(entries)


def chunk_outside(entries: dict[str, bytes]) -> None:
    first, _, rest = entries["documents.jsonl"].partition(b"\n")
    values = json.loads(first) | {"chunks": [[0, 10**6, None, []]]}
    replace_listed("documents.jsonl", json.dumps(values).encode() + b"\n" + rest)(entries)


def not_a_number(entries: dict[str, bytes]) -> None:
    content = np.frombuffer(entries["vectors.f32"], "<f4").copy()
    content[3] = np.nan
    replace_listed("vectors.f32", content.tobytes())(entries)


def without(name: str) -> Callable[[dict[str, bytes]], None]:
    def change(entries: dict[str, bytes]) -> None:
        del entries[name]

    return change


BROKEN: dict[str, tuple[Callable[[dict[str, bytes]], None], str]] = {
    "wrong checksum": (flip, "checksum of 'vectors.f32'"),
    "way out": (lambda entries: entries.update({"../up": b""}), "'../up' does not belong"),
    "listed way out": (replace_listed("originals/../../up", b"x"), "does not belong"),
    "absolute": (replace_listed("/etc/passwd", b"x"), "does not belong"),
    "missing": (without("vectors.f32"), "'vectors.f32' is missing"),
    "no manifest": (without("manifest.json"), "no manifest.json"),
    "no JSON": (lambda entries: entries.update({"manifest.json": b"{"}), "manifest.json is wrong"),
    "foreign": (edit(format="other"), "wrong at 'format'"),
    "newer": (edit(version=2, something="new"), "export version 2"),
    "other dimension": (edit(knowledge_base__dimension=64), "a vector for each chunk"),
    "huge dimension": (edit(knowledge_base__dimension=10**9), "wrong at 'knowledge_base.dimension'"),
    "document missing": (remove_document, "does not have what the manifest says"),
    "other original": (other_original, "is another"),
    "chunk outside": (chunk_outside, "line 1 of documents.jsonl"),
    "not a number": (not_a_number, "holds nan"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_what_is_not_intact_is_refused_and_leaves_nothing(archive: Path, tmp_path: Path, kind: str) -> None:
    change, reason = BROKEN[kind]
    refused(rewritten(archive, tmp_path / "broken.zip", change), tmp_path, reason)


def refused(path: Path, tmp_path: Path, reason: str) -> None:
    with workshop(tmp_path / "elsewhere") as other:
        with pytest.raises(StorageError, match=reason) as caught:
            other.app.bases.import_file(path)
        assert caught.value.hint
        assert other.app.bases.all() == []
        assert not list((tmp_path / "elsewhere").glob("bases/*"))
    assert not (tmp_path / "up").exists()


def test_links_and_doubles_are_refused(archive: Path, tmp_path: Path) -> None:
    linked = tmp_path / "linked.zip"
    with ZipFile(archive) as source, ZipFile(linked, "w") as file:
        for info in source.infolist():
            copy = ZipInfo(info.filename)
            if info.filename == "vectors.f32":
                copy.external_attr = (stat.S_IFLNK | 0o777) << 16
            file.writestr(copy, source.read(info))
    refused(linked, tmp_path, "'vectors.f32' does not belong")
    doubled = shutil.copy(archive, tmp_path / "doubled.zip")
    with ZipFile(doubled, "a") as file, pytest.warns(UserWarning, match="Duplicate"):
        file.writestr("vectors.f32", b"")
    refused(Path(doubled), tmp_path, "two entries")


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 0.99])
def test_a_truncated_archive(archive: Path, tmp_path: Path, share: float) -> None:
    content = archive.read_bytes()
    short = tmp_path / "short.zip"
    short.write_bytes(content[: int(share * len(content))])
    refused(short, tmp_path, "no intact export")


def test_any_flipped_byte_is_refused_or_harmless(shop: Workshop, archive: Path, tmp_path: Path) -> None:
    content = bytearray(archive.read_bytes())
    with workshop(tmp_path / "elsewhere") as other:
        for position in np.random.default_rng(0).integers(0, len(content), 60):
            content[position] ^= 0xFF
            archive.write_bytes(content)
            content[position] ^= 0xFF
            try:
                other.app.bases.import_file(archive)
            except StorageError:
                assert other.app.bases.all() == []
            else:
                assert other.state("notes") == shop.state("notes")
                other.app.bases.delete("notes")


def test_paths_that_cannot_be_used(shop: Workshop, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="No such file"):
        shop.app.bases.import_file(tmp_path / "nothing.zip", "x")
    with pytest.raises(StorageError, match="cannot be written"):
        shop.app.bases.exporter.run("notes", tmp_path / "no folder" / "a.zip")


def test_a_failed_export_leaves_the_old_file(
    shop: Workshop, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = archive.read_bytes()
    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(StorageError, match="No space is left"):
        shop.app.bases.exporter.run("notes", archive)
    assert archive.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of three mebibytes."""
    with small_disk_at(tmp_path / "disk", 3) as disk:
        yield disk


def test_an_import_that_does_not_fit_leaves_nothing_that_answers(
    shop: Workshop, tmp_path: Path, small_disk: Path
) -> None:
    noise = np.random.default_rng(0).integers(33, 127, 400_000).astype(np.uint8).tobytes().decode("ascii")
    shop.ingest("notes", tmp_path / "texts", **{f"long{number}": f"{number} {noise}" for number in range(4)})
    archive = tmp_path / "large.zip"
    shop.app.bases.exporter.run("notes", archive)
    with workshop(small_disk / "home") as other:
        with pytest.raises(StorageFull):
            other.app.bases.import_file(archive)
        assert sum(one.documents for one in other.app.bases.summaries()) == 0
        assert not list((small_disk / "home" / "bases").iterdir())
        subprocess.run(["mount", "-o", "remount,size=20m", small_disk], check=True)
        for base in other.app.bases.all():  # on a disk so full the catalog cannot even remove a row
            assert "(importing" in base.name
            other.app.bases.delete(base.name)
        other.app.bases.import_file(archive)
        assert other.state("notes") == shop.state("notes")


def full(*_: object) -> None:
    raise OSError(28, os.strerror(28))

"""Rows of knowledge bases, and the schema beneath them."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from importlib.resources import as_file, files
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text

from kb_server.catalog.bases import Bases
from kb_server.catalog.database import Database
from kb_server.catalog.documents import Documents
from kb_server.catalog.removal import Removed
from kb_server.catalog.schema import SCHEMA_VERSION, metadata
from kb_server.core.domain import Calibration, Document, Fusion, Slice
from kb_server.core.errors import AlreadyExists, InvalidSetting, MissingExtra, NotFound, StorageError


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    opened = Database(url)
    yield opened
    opened.close()


@pytest.fixture
def bases(database: Database) -> Bases:
    return Bases(database)


def _create(bases: Bases, name: str) -> str:
    return bases.create(name, "memory", "toy", "toy-1", 3).id


def test_what_is_created_is_found(bases: Bases) -> None:
    made = bases.create("笔记 1", "memory", "toy", "toy-1", 3)
    assert bases.find("笔记 1") == made
    assert (made.store, made.embedder, made.fingerprint, made.dimension) == ("memory", "toy", "toy-1", 3)
    assert made.fusion is None


def test_a_name_is_taken_once(bases: Bases) -> None:
    _create(bases, "notes")
    with pytest.raises(AlreadyExists, match="notes"):
        _create(bases, "notes")
    assert len(bases.all()) == 1


def test_names_match_exactly(bases: Bases) -> None:
    _create(bases, "axb")
    for name in ("a_b", "%", "AXB", "axb "):
        with pytest.raises(NotFound):
            bases.find(name)
    _create(bases, "a_b")
    assert bases.find("a_b").name == "a_b"
    assert [base.name for base in bases.all()] == ["a_b", "axb"]


def test_fusion_is_kept(bases: Bases) -> None:
    fusion = Fusion({"cjk": 0.1, "other": 0.45}, 12)
    bases.set_fusion(_create(bases, "notes"), fusion)
    assert bases.find("notes").fusion == fusion


def test_a_calibration_is_kept_with_its_weights(bases: Bases) -> None:
    id_ = _create(bases, "notes")
    assert bases.find("notes").calibration is None
    calibration = Calibration(
        weights=(1.5, -2.0), refuse_below=0.3, passages=4, rerank_depth=20, chunks=12, held_out={"false_refusal": 0.05}
    )
    bases.set_calibration(id_, Fusion({"cjk": 0.1}, 12), calibration)
    found = bases.find("notes")
    assert (found.calibration, found.fusion) == (calibration, Fusion({"cjk": 0.1}, 12))
    bases.switch(replace(found, calibration=None))  # as after embedding with another model
    assert bases.find("notes").calibration is None


def test_sizes_count_indexed_documents_only(database: Database, bases: Bases) -> None:
    first, empty = _create(bases, "first"), _create(bases, "empty")
    documents = Documents(database, first)
    slices = [Slice(start=0, end=1, page=None, heading_path=()), Slice(start=1, end=2, page=None, heading_path=())]
    pending, _ = documents.begin("s", "f", Document(name="a.txt", text="ab", blocks=()), slices)
    assert bases.sizes() == {}
    documents.commit([pending.document_id])
    documents.begin("s", "g", Document(name="b.txt", text="ab", blocks=()), slices)
    documents.fail("c.txt", "s", "broken")
    assert bases.sizes() == {first: (1, 2)}
    assert empty not in bases.sizes()


def test_deleting_takes_the_documents_along(database: Database, bases: Bases) -> None:
    gone = _create(bases, "gone")
    pending, _ = Documents(database, gone).begin(
        "s", "f", Document(name="a.txt", text="ab", blocks=()), [Slice(start=0, end=2, page=None, heading_path=())]
    )
    Documents(database, gone).commit([pending.document_id])
    bases.delete(gone)
    with pytest.raises(NotFound, match="gone"):
        bases.find("gone")
    with database.reading() as connection:
        for table in ("documents", "document_texts", "chunks"):
            assert connection.execute(text(f"SELECT count(*) FROM {table}")).scalar() == 0  # noqa: S608
    assert _create(bases, "gone") != gone


def test_the_schema_version_is_the_newest_migration() -> None:
    config = Config()
    with as_file(files("kb_server.catalog") / "migrations") as folder:
        config.set_main_option("script_location", str(folder))
        config.set_main_option("path_separator", "os")
        assert ScriptDirectory.from_config(config).get_heads() == [SCHEMA_VERSION]


def test_the_migrations_make_the_tables_that_the_code_names(database: Database) -> None:
    with database.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


@contextmanager
def _older(url: str, version: str) -> Iterator[Connection]:
    """Give an empty catalog of an older schema."""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    config = Config()
    with as_file(files("kb_server.catalog") / "migrations") as folder, engine.begin() as connection:
        config.set_main_option("script_location", str(folder).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, version)
        yield connection
    engine.dispose()


def test_copies_of_an_older_schema_keep_the_vector_that_the_stores_have(url: str) -> None:
    row = (
        "INSERT INTO knowledge_bases (id, name, store, embedder, fingerprint, dimension, created) "
        "VALUES ('b', 'b', 'm', 't', 't-1', 3, :created)"
    )
    document = (
        "INSERT INTO documents (id, base_id, name, state, sha256, file, created) "
        "VALUES (:id, 'b', :name, :state, 's', 'f', :created)"
    )
    chunk = (
        'INSERT INTO chunks (id, document_id, text, start, "end", heading_path) '
        "VALUES (:id, :document, :text, 0, 4, '[]')"
    )
    with _older(url, "0010") as connection:
        created = {"created": datetime(2026, 1, 1)}
        connection.execute(text(row), created)
        for id_, name, state in ((1, "a", "indexed"), (2, "b", "indexed"), (3, "a", "kept-3")):
            connection.execute(text(document), {"id": id_, "name": name, "state": state, **created})
        for id_, said in ((1, "same"), (2, "same"), (3, "kept")):
            connection.execute(text(chunk), {"id": id_, "document": id_, "text": said})
        connection.execute(text("INSERT INTO chunk_copies (chunk_id, original_id) VALUES (2, 1)"))
    opened = Database(url)
    rows = Documents(opened, "b")
    assert rows.chunks.vector_ids_of([1, 2, 3]) == {1: 1, 2: 1, 3: 3}
    assert rows.chunks.by_vector([1, 2, 3]).keys() == {1}
    assert rows.chunks.kept([1, 2, 3]) == {3}
    assert rows.unsized() == {1: "f", 2: "f", 3: "f"}
    assert rows.remove(["a"]) == Removed((), ("f",))
    assert [(one.id, one.text, one.document) for one in rows.chunks.by_vector([1]).values()] == [(2, "same", "b")]
    opened.close()


def test_notes_of_an_older_schema_become_descriptions(url: str) -> None:
    with _older(url, "0009") as connection:
        for name in ("noted", "bare"):
            values = {"id": name, "created": datetime(2026, 1, 1)}
            row = (
                "INSERT INTO knowledge_bases (id, name, store, embedder, fingerprint, dimension, created) "
                "VALUES (:id, :id, 'm', 't', 't-1', 3, :created)"
            )
            connection.execute(text(row), values)
        connection.execute(text("INSERT INTO base_notes (base_id, text) VALUES ('noted', '会议记录')"))
    opened = Database(url)
    assert {base.name: base.description for base in Bases(opened).all()} == {"noted": "会议记录", "bare": ""}
    opened.close()


def test_a_newer_schema_is_refused(url: str) -> None:
    first = Database(url)
    with first.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    first.close()
    with pytest.raises(StorageError, match="9999"):
        Database(url)


def test_a_damaged_file_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "catalog.db").write_bytes(b"this is no database, whatever its name says" * 100)
    with pytest.raises(StorageError, match="cannot be used"):
        Database(f"sqlite:///{tmp_path / 'catalog.db'}")


def test_a_server_that_is_away() -> None:
    with pytest.raises(StorageError, match="cannot be used") as caught:
        Database("postgresql://kb:secret@127.0.0.1:1/kb")
    assert "server runs" in caught.value.hint
    assert "secret" not in str(caught.value)


def test_what_is_no_address() -> None:
    with pytest.raises(InvalidSetting, match="catalog"):
        Database("no address")


def test_a_missing_driver_says_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtra, match="needs a package") as caught:
        Database("postgresql://kb@127.0.0.1:1/kb")
    assert "kb-server[postgresql]" in caught.value.hint


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(StorageError, match="cannot be made"):
        Database(f"sqlite:///{tmp_path / 'file' / 'home' / 'catalog.db'}")


def test_processes_may_open_a_new_catalog_at_once(url: str) -> None:
    code = (
        "import sys; from kb_server.catalog.bases import Bases; from kb_server.catalog.database import Database\n"
        "sys.stdin.readline(); Bases(Database(sys.argv[1])).create(sys.argv[2], 'memory', 'toy', 'toy-1', 3)"
    )
    names = ["one", "three", "two"]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, url, name], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for name in names
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    complaints = [process.communicate(timeout=60)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], complaints
    database = Database(url)
    assert [base.name for base in Bases(database).all()] == names
    database.close()

"""The main job with the catalog in PostgreSQL."""

from pathlib import Path

from tests.postgresql import PostgresServer
from tests.workshop import workshop


def test_from_empty_to_deleted(postgresql: PostgresServer, tmp_path: Path) -> None:
    url, folder = postgresql.new_database(), tmp_path / "texts"
    with workshop(tmp_path / "home", catalog=url) as shop:
        shop.app.bases.create("notes", "faiss", "toy")
        shop.ingest("notes", folder, bells="The bell rings at nine.", lunch="Lunch is at noon.")
        first = shop.state("notes")
        shop.app.bases.snapshots.create("notes", "first")
        shop.ingest("notes", folder, lunch="Lunch is at one.", bells=None)
        restored = shop.app.bases.snapshots.restore("notes", "first")
        assert shop.state("notes") == first
        assert shop.found("notes", "lunch")[0] == ("lunch.txt", "Lunch is at noon.")
        shop.app.bases.snapshots.restore("notes", restored.undo)
        assert shop.found("notes", "lunch")[0] == ("lunch.txt", "Lunch is at one.")
        shop.app.bases.exporter.run("notes", tmp_path / "notes.zip")
    assert not list((tmp_path / "home").glob("catalog.db*"))
    with workshop(tmp_path / "home", catalog=url) as again:
        again.app.bases.import_file(tmp_path / "notes.zip", "copy")
        assert again.state("copy") == again.state("notes")
        again.app.bases.snapshots.delete("notes", "first")
        again.app.bases.delete("notes")
        assert [base.name for base in again.app.bases.all()] == ["copy"]

"""Words in Milvus, in a whole base; what every word index does is in tests/contracts."""

from pathlib import Path

from tests.workshop import workshop


def test_a_base_keeps_its_words_in_milvus(tmp_path: Path) -> None:
    files = tmp_path / "files"
    with workshop(tmp_path / "home", store={"words": "milvus"}) as shop:
        shop.app.bases.create("papers", "milvus", "toy")
        shop.ingest("papers", files, owl="The owl is called Minerva.", cat="猫的名字叫小白。")
        shop.state("papers")
        assert shop.found("papers", "小白是谁")[0] == ("cat.txt", "猫的名字叫小白。")
        shop.ingest("papers", files, owl=None)
        shop.state("papers")
        words = shop.app.bases.open("papers").files.lexical
        assert words.is_dir()
        shop.app.bases.delete("papers")
        assert not words.exists()


def test_words_move_into_milvus_at_the_next_ingest(tmp_path: Path) -> None:
    files = tmp_path / "files"
    with workshop(tmp_path / "home") as shop:
        shop.app.bases.create("papers", "faiss", "toy")
        shop.ingest("papers", files, owl="The owl is called Minerva.")
    with workshop(tmp_path / "home", store={"words": "milvus"}) as shop:
        shop.app.ingest.pipeline("papers").run([files])
        shop.state("papers")
        assert shop.found("papers", "Minerva")[0][0] == "owl.txt"
        assert shop.toy.embedded == [], "the vectors stay"

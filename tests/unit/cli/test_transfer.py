"""`kb export`, `kb import`, `kb migrate`, `kb reindex`."""

from pathlib import Path

import pytest

from kb_server.cli import transfer
from kb_server.core.errors import AlreadyExists
from tests.unit.cli.conftest import Run, parsed
from tests.workshop import Workshop


def test_a_base_goes_out_and_comes_in(run: Run, shop: Workshop, tmp_path: Path) -> None:
    file = str(tmp_path / "notes.kb.zip")
    done = parsed(run(transfer, "export", "notes", file, "--json"))
    assert done["documents"] == 2
    run(transfer, "import", file, "--name", "copy")
    assert set(shop.state("copy")) == {"owl.txt", "cat.txt"}
    with pytest.raises(AlreadyExists):
        run(transfer, "import", file, "--name", "copy")


def test_another_embedder_and_another_cut(run: Run, shop: Workshop) -> None:
    run(transfer, "reindex", "notes", "--embedder", "other", "--json")
    assert shop.app.bases.find("notes").embedder == "other"
    assert len(shop.other.embedded) == 2
    report = parsed(run(transfer, "reindex", "notes", "--chunk-size", "40", "--chunk-overlap", "0", "--json"))
    assert report["unchanged"] == 2
    assert shop.found("notes", "owl")

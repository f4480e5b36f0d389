"""`kb tune`."""

from pathlib import Path

import pytest

from kb_server.cli import tuning
from kb_server.core.errors import UsageError
from tests.towns import town_texts
from tests.unit.cli.conftest import Run, parsed
from tests.workshop import Workshop


def test_what_was_fitted_is_shown_and_stored(run: Run, shop: Workshop, tmp_path: Path) -> None:
    shop.app.bases.create("towns", embedder="toy")
    shop.ingest("towns", tmp_path / "towns", **town_texts(0, 30))
    found = parsed(run(tuning, "tune", "towns", "--count", "60", "--json"))
    assert 40 <= found["questions"] <= 60
    stored = shop.app.bases.find("towns").calibration
    assert stored is not None
    assert found["calibration"]["refuse_below"] == stored.refuse_below
    shown = run(tuning, "tune", "towns", "--count", "60", chinese=True)
    assert "在留出的问题上" in shown


def test_too_little_text_is_said(run: Run) -> None:
    with pytest.raises(UsageError, match="tuning needs 40"):
        run(tuning, "tune", "notes")
    run(tuning, "tune", "notes", "--count", "3", status=2)

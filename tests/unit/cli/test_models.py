"""`kb models …`."""

import json
from pathlib import Path

import pytest

from kb_server.cli import models
from kb_server.core.errors import AlreadyExists, ModelNotFound
from tests.models.tiny import tiny_model
from tests.unit.cli.conftest import Run, parsed

pytest.importorskip("torch", reason="needs the extra `generate`")


def test_what_a_model_is_and_needs(run: Run, tmp_path: Path) -> None:
    folder = str(tiny_model(tmp_path / "tiny", "llama"))
    report = parsed(run(models, "models", "check", folder, "--json"))
    assert (report["kind"], report["problems"]) == ("llama", [])
    assert report["memory"]["int4"]["bytes"] < report["memory"]["none"]["bytes"]
    shown = run(models, "models", "check", folder, chinese=True)
    assert "llama" in shown
    with pytest.raises(ModelNotFound):
        run(models, "models", "check", str(tmp_path))


def test_weights_are_written_in_4_bits_and_never_over_what_is_there(run: Run, tmp_path: Path) -> None:
    folder, target = str(tiny_model(tmp_path / "tiny", "llama")), tmp_path / "small"
    assert parsed(run(models, "models", "quantize", folder, str(target), "--to", "int4", "--json"))["path"] == str(
        target
    )
    assert parsed(run(models, "models", "check", str(target), "--json"))["stored"] == "int4"
    with pytest.raises(AlreadyExists):
        run(models, "models", "quantize", folder, str(target), "--to", "int4")


def test_models_of_the_cache_are_listed(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "models--org--writes" / "snapshots" / "0a1b"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"architectures": ["LlamaForCausalLM"]}))
    (tmp_path / "models--org--writes" / "refs").mkdir()
    (tmp_path / "models--org--writes" / "refs" / "main").write_text("0a1b")
    monkeypatch.setattr("huggingface_hub.utils._cache_manager.HF_HUB_CACHE", str(tmp_path))
    listed = parsed(run(models, "models", "list", "--json"))
    assert "org/writes" in [model["name"] for model in listed["models"]]
    assert listed["chosen"] in run(models, "models", "list")

"""The language models on this machine: what a folder holds, what the hub's cache holds."""

import json
from pathlib import Path

import pytest

from kb_server.core.answers import Quantization
from kb_server.core.errors import GenerationFailed, MissingExtra, ModelNotFound, UsageError
from tests.models import published
from tests.models.tiny import tiny_model

torch = pytest.importorskip("torch", reason="needs the extra `generate`")

from kb_server.llm.local_models import describe, local_models, pull  # noqa: E402 - once torch is known to be there


def test_a_folder_is_described_without_loading_its_weights(tmp_path: Path) -> None:
    report = describe(tiny_model(tmp_path / "tiny", "llama"))
    assert (report.name, report.kind, report.problems) == ("tiny", "llama", ())
    rows, hidden, wide = 259, 32, 64
    layer = 4 * hidden * hidden + 3 * hidden * wide + 2 * hidden
    assert report.parameters == 2 * rows * hidden + 2 * layer + hidden
    assert report.file_bytes == (tmp_path / "tiny" / "model.safetensors").stat().st_size
    assert set(report.memory) == set(Quantization)
    assert report.memory[Quantization.INT4] < report.memory[Quantization.NONE]
    assert report.fits(Quantization.NONE)
    assert "user\n" in report.prompt
    assert report.prompt_ids[0] == 1  # <|im_start|>


def test_a_published_layout_is_known_and_what_its_weights_need_is_said(tmp_path: Path) -> None:
    config, weights = published.chatglm23(400)
    folder = published.write(tmp_path / "chatglm3-6b", config, weights, published.sentencepiece_model())
    report = describe(folder)
    assert (report.kind, report.stored) == ("chatglm3", "float16")
    assert report.parameters == sum(tensor.numel() for name, tensor in weights.items() if "inv_freq" not in name)


def test_what_a_folder_lacks_is_among_its_problems(tmp_path: Path) -> None:
    folder = tiny_model(tmp_path / "tiny", "llama")
    (folder / "model.safetensors").unlink()
    (folder / "tokenizer.json").unlink()
    report = describe(folder)
    assert (report.file_bytes, report.prompt_ids) == (0, ())
    assert "has no weights" in report.problems[0]
    assert report.problems[1].startswith("No prompt can be made: ")


def test_what_is_no_model_or_wants_to_run_code_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound):
        describe(tmp_path)
    config = {"model_type": "own", "auto_map": {"AutoConfig": "own.Config"}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(GenerationFailed):
        describe(tmp_path)


def _cached(home: Path, name: str, classes: list[str]) -> None:
    folder = home / f"models--{name.replace('/', '--')}" / "snapshots" / "0a1b"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"architectures": classes}))
    refs = folder.parents[1] / "refs"
    refs.mkdir()
    (refs / "main").write_text("0a1b")


def test_models_of_the_cache_that_write_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _cached(tmp_path, "org/writes", ["LlamaForCausalLM"])
    _cached(tmp_path, "org/answers", ["T5ForConditionalGeneration"])
    _cached(tmp_path, "THUDM/chatglm3-6b", ["ChatGLMModel"])
    _cached(tmp_path, "org/embeds", ["BertModel"])
    _cached(tmp_path, "org/silent", [])
    monkeypatch.setattr("huggingface_hub.utils._cache_manager.HF_HUB_CACHE", str(tmp_path))
    found = {model.name: model.path for model in local_models()}
    assert {name for name in found if "/" in name} >= {"org/writes", "org/answers", "THUDM/chatglm3-6b"}
    assert not {"org/embeds", "org/silent"} & set(found)
    assert (found["org/writes"] / "config.json").is_file()


def test_a_source_that_is_none_and_one_whose_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="no source 'ftp'"):
        pull("a/b", None, "ftp")
    monkeypatch.setitem(__import__("sys").modules, "modelscope", None)
    with pytest.raises(MissingExtra, match="needs its package"):
        pull("a/b", None, "modelscope")


@pytest.mark.parametrize("name", ["a/b", "no name at all!"])
def test_without_a_network_the_hub_is_said_to_be_away(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelNotFound, match=rf"The model '{name}' cannot be downloaded"):
        pull(name, tmp_path / "target", "huggingface")

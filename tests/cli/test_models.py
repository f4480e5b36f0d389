"""`kb models …` on tiny published checkpoints, and an answer from a converted one."""

import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Kb
from tests.models import published
from tests.paths import CONFIGS, SAMPLES

pytest.importorskip("torch", reason="needs the extra `generate`")
pytest.importorskip("sentencepiece", reason="needs the extra `generate`")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    config, weights = published.chatglm23(400, seq_length=4096)
    place = tmp_path_factory.mktemp("models") / "chatglm3-6b"
    return published.write(place, config, weights, published.sentencepiece_model())


def test_check_says_what_a_model_is_and_needs(kb: Kb, folder: Path) -> None:
    report = kb.json("models", "check", folder)
    assert (report["kind"], report["stored"], report["problems"]) == ("chatglm3", "float16", [])
    assert report["memory"]["nf4"]["bytes"] < report["memory"]["int8"]["bytes"] < report["memory"]["none"]["bytes"]
    assert report["memory"]["nf4"]["fits"]
    assert len(report["prompt_ids"]) >= 7
    assert "你好" in report["prompt"]
    shown = kb("models", "check", folder)
    assert "chatglm3" in shown.out
    assert "nf4" in shown.out


def test_check_names_what_is_missing(kb: Kb, tmp_path: Path) -> None:
    broken = published.write(tmp_path / "chatglm3-6b", *published.chatglm23(400), b"no vocabulary")
    (broken / "pytorch_model-00001-of-00002.bin").unlink()
    problems = " ".join(kb.json("models", "check", broken)["problems"])
    assert "00001-of-00002" in problems
    assert "tokenizer.model" in problems
    assert kb.error("models", "check", tmp_path)[1]["code"] == "model_not_found"


def test_convert_quantize_and_ask(kb: Kb, folder: Path, tmp_path: Path) -> None:
    native, small = tmp_path / "native", tmp_path / "nf4"
    assert kb.json("models", "convert", folder, native) == {"path": str(native)}
    kb.json("models", "quantize", native, small, "--to", "int4")
    assert kb.json("models", "check", small)["stored"] == "int4"
    assert kb.error("models", "quantize", native, small)[1]["code"] == "already_exists"
    kb.json("create", "notes")
    kb.json("ingest", "notes", SAMPLES / "glossary.txt")
    answer = kb.json(
        "ask", "notes", "What is a chunk?", "--mode", "generate",
        KB_GENERATION__MODEL=str(small), KB_GENERATION__MAX_TOKENS="8",
    )  # fmt: skip
    assert (answer["mode"], answer["model"]) == ("generate", "nf4")
    assert (answer["reasoning"], answer["agreement"], answer["notes"]) == (None, None, [])


def test_the_ready_configuration_wants_only_the_folder(kb: Kb, folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("bitsandbytes", reason="needs the extra `quantize`")
    file = tmp_path / "my.yaml"
    file.write_text((CONFIGS / "chatglm.yaml").read_text("utf-8").replace("/models/chatglm3-6b", str(folder)), "utf-8")
    kb.json("create", "notes")
    kb.json("ingest", "notes", SAMPLES / "glossary.txt")
    answer = kb.json("--config", file, "ask", "notes", "What is a chunk?", KB_GENERATION__MAX_TOKENS="8")
    assert (answer["mode"], answer["model"]) == ("generate", "chatglm3-6b")
    assert answer["answer"]


def test_list_has_the_bundled_model(kb: Kb, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    found = kb.json("models", "list")
    assert found["chosen"] == "SmolLM2-135M-Instruct"
    assert isinstance(found["models"], list)


def test_pull_without_a_network_says_what_to_check(kb: Kb, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    status, error = kb.error("models", "pull", "nobody/nothing", tmp_path / "m")
    assert (status, error["code"]) == (1, "model_not_found")
    assert "HF_ENDPOINT" in error["hint"]
    assert kb.error("models", "pull", "a/b", "--from", "nowhere")[0] == 2
    monkeypatch.setitem(sys.modules, "modelscope", None)
    assert "pip install modelscope" in kb.error("models", "pull", "a/b", "--from", "modelscope")[1]["hint"]


def test_a_setting_the_backend_has_not_is_named(kb: Kb) -> None:
    kb.json("create", "notes")
    kb.json("ingest", "notes", SAMPLES / "glossary.txt")
    ask = ("ask", "notes", "What is a chunk?", "--mode", "generate")
    backend = {"KB_GENERATION__BACKEND": "langchain", "KB_GENERATION__QUANTIZATION": "nf4"}
    status, error = kb.error(*ask, **backend)
    assert (status, error["code"]) == (2, "invalid_setting")
    assert "quantization" in error["message"]

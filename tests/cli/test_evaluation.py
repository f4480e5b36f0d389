"""`kb evaluate`, `kb compare` and `kb questions` on the samples."""

import json
from pathlib import Path

import pytest

from kb_server.answering.citations.support import normalised
from tests.cli.conftest import Kb
from tests.paths import DATA
from tests.towns import town_texts

CASES = DATA / "samples.cases.jsonl"


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    lines = CASES.read_text("utf-8").splitlines()
    file = tmp_path_factory.mktemp("cases") / "few.jsonl"
    file.write_text("\n".join(lines[6:10] + lines[-2:]) + "\n", "utf-8")
    return file


@pytest.fixture(scope="module")
def done(stocked: Kb, few: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run that is done: evaluating it again asks nothing."""
    out = tmp_path_factory.mktemp("done") / "run"
    stocked.json("evaluate", "samples", "--cases", few, "--out", out)
    return out


def test_evaluate_writes_results_summary_and_report(stocked: Kb, few: Path, done: Path) -> None:
    out = done
    summary = json.loads((out / "summary.json").read_text("utf-8"))
    assert (summary["n"], summary["answerable"]) == (6, 4)
    assert {"recall@1", "recall@5", "mrr@10", "ndcg@10"} <= set(summary["retrieval"])
    answers = {"contains", "exact_match", "f1", "citation_precision", "refusal_recall", "false_refusal"}
    assert answers <= set(summary["answers"])
    assert {"p50", "p95"} <= set(summary["latency_ms"])
    assert summary["retrieval"]["recall@5"] == 1.0
    assert summary["answers"]["contains"] >= 0.75
    rows = [json.loads(line) for line in (out / "results.jsonl").read_text("utf-8").splitlines()]
    assert [row["id"] for row in rows] == [json.loads(line)["id"] for line in few.read_text("utf-8").splitlines()]
    for row in rows:
        texts = {passage["chunk_id"]: passage["text"] for passage in row["passages"]}
        assert all(normalised(c["quote"]) in normalised(texts[c["chunk_id"]]) for c in row["citations"])
    assert "<!doctype html>" in (out / "report.html").read_text("utf-8")

    before = [row["timings_ms"] for row in rows]
    again = stocked.json("evaluate", "samples", "--cases", few, "--out", out)  # nothing is asked again
    assert again["answers"] == summary["answers"]
    rows = [json.loads(line) for line in (out / "results.jsonl").read_text("utf-8").splitlines()]
    assert [row["timings_ms"] for row in rows] == before


def test_bounds_decide_the_exit_code(stocked: Kb, few: Path, done: Path) -> None:
    run = ("evaluate", "samples", "--cases", few, "--out", done)
    assert stocked(*run, "--fail-under", "recall@5=0.9").status == 0
    failed = stocked(*run, "--fail-under", "recall@5=0.9", "--fail-under", "exact_match=0.99")
    assert failed.status == 1
    assert "exact_match is 0.0000, less than 0.99" in failed.err
    for bound, said in (("recal=1", "recal"), ("recall@5=high", "recall@5=high"), ("false_refusal=0.1", "lower")):
        status, error = stocked.error(*run, "--fail-under", bound)
        assert (status, error["code"]) == (2, "usage")
        assert said in error["message"]


def test_bad_cases_are_named_and_the_rest_runs(stocked: Kb, few: Path, tmp_path: Path) -> None:
    lines = few.read_text("utf-8").splitlines()
    lost = {"id": "lost", "question": "Where?", "answers": ["x"], "documents": ["user-manual.pdx"]}
    file = tmp_path / "cases.jsonl"
    file.write_text("\n".join([*lines, "{broken", lines[0], json.dumps(lost)]), "utf-8")
    run = ("evaluate", "samples", "--cases", file, "--out", tmp_path / "run", "--json")
    result = stocked(*run)
    assert result.status == 3
    assert [item["where"] for item in result.out["left_out"]] == ["line 7", "line 8"]
    assert result.out["n"] == 7
    (warning,) = result.out["warnings"]
    assert "user-manual.pdx" in warning
    assert "did you mean 'user-manual.pdf'?" in warning
    shown = stocked(*run[:-1])
    assert "line 7" in shown.out


@pytest.mark.parametrize(
    ("content", "said"),
    [("", "is empty"), ('{"question": "Who?", "documents": ["nowhere.txt"]}', "None of the 1 documents")],
)
def test_cases_that_cannot_be_used(stocked: Kb, tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "cases.jsonl"
    file.write_text(content, "utf-8")
    status, error = stocked.error("evaluate", "samples", "--cases", file, "--out", tmp_path / "run")
    assert (status, said in error["message"]) == (2, True)
    assert not (tmp_path / "run").exists()


def test_a_run_does_not_go_on_with_other_settings(stocked: Kb, few: Path, done: Path) -> None:
    run = ("evaluate", "samples", "--cases", few, "--out", done)
    status, error = stocked.error(*run, KB_ANSWERING__SENTENCES="1")
    assert status == 2
    assert "settings.answering.sentences: 2, now 1" in error["message"]


def test_compare(stocked: Kb, few: Path, done: Path, tmp_path: Path) -> None:
    run = ("evaluate", "samples", "--cases", few, "--out", tmp_path / "b")
    stocked.json(*run, KB_ANSWERING__THRESHOLD="0.99")
    found = stocked.json("compare", done, tmp_path / "b")
    assert found["n"] == 6
    assert found["metrics"]["contains"]["verdict"] == "worse"  # everything is refused
    assert found["metrics"]["false_refusal"]["b"] == 1.0
    assert found["metrics"]["recall@1"]["difference"] == 0.0
    assert "worse" in stocked("compare", done, tmp_path / "b").out
    assert "更差" in stocked("compare", done, tmp_path / "b", LANG="zh_CN.UTF-8").out
    assert stocked.error("compare", done, tmp_path)[1]["code"] == "not_found"


def test_questions_can_be_evaluated(stocked: Kb, tmp_path: Path) -> None:
    file = tmp_path / "made.jsonl"
    made = stocked.json("questions", "samples", "--out", file, "--count", "8")
    assert (made["answerable"], made["unanswerable"]) == (8, 2)
    again = tmp_path / "again.jsonl"
    stocked.json("questions", "samples", "--out", again, "--count", "8")
    assert file.read_bytes() == again.read_bytes()
    summary = stocked.json("evaluate", "samples", "--cases", file, "--out", tmp_path / "run")
    assert summary["n"] == 10
    assert summary["retrieval"]["recall@10"] >= 0.9
    assert sum(kind["n"] for kind in summary["kinds"].values()) == 10


def test_tuning_says_what_it_changed_and_is_shown(kb: Kb, tmp_path: Path) -> None:
    for stem, text in town_texts(0, 24).items():
        (tmp_path / f"{stem}.txt").write_text(text, "utf-8")
    kb.json("create", "towns")
    kb.json("ingest", "towns", *tmp_path.glob("*.txt"))
    tuned = kb.json("tune", "towns", "--count", "60")
    assert {change["setting"] for change in tuned["changes"]} >= {"confidence", "refuse_below", "passages"}
    assert all(change["held_out_after"] >= change["held_out_before"] for change in tuned["changes"])
    (base,) = kb.json("list")["knowledge_bases"]
    assert base["calibration"] == tuned["calibration"]
    assert "refused" in kb("tune", "towns", "--count", "60").out
    answer = kb.json("ask", "towns", "In which year was the Barkelburg dam opened by farmers?")
    assert answer["refused"] == (answer["confidence"] < tuned["calibration"]["refuse_below"])


def test_too_little_text_to_tune(stocked: Kb, tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("The cellar key hangs behind the door.", "utf-8")
    stocked.json("create", "cellar-key")
    stocked.json("ingest", "cellar-key", tmp_path / "note.txt")
    status, error = stocked.error("tune", "cellar-key")
    assert (status, error["code"]) == (2, "usage")
    assert "tuning needs 40" in error["message"]
    assert stocked.error("tune", "samples", "--count", "3")[0] == 2


def test_a_case_file_is_not_overwritten(stocked: Kb, tmp_path: Path) -> None:
    file = tmp_path / "mine.jsonl"
    file.write_text("edited by hand", "utf-8")
    assert stocked.error("questions", "samples", "--out", file)[1]["code"] == "already_exists"
    assert file.read_text("utf-8") == "edited by hand"
    assert stocked.error("questions", "samples", "--out", tmp_path / "no" / "x.jsonl")[1]["code"] == "usage"


def test_an_empty_base_gives_no_questions(kb: Kb, tmp_path: Path) -> None:
    kb.json("create", "empty")
    status, error = kb.error("questions", "empty", "--out", tmp_path / "x.jsonl")
    assert (status, error["code"]) == (2, "usage")
    assert not (tmp_path / "x.jsonl").exists()

"""Runs that are interrupted, resumed, of several at once, and of other settings."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from kb_server.core.answers import Answer, AnswerMode
from kb_server.core.domain import Chunk, EvalCase, Hit
from kb_server.core.errors import GenerationFailed, Interrupted, NotFound, StorageError, UsageError
from kb_server.evaluation.compare import compare
from kb_server.evaluation.evaluate import Respondent, answer_cases
from kb_server.evaluation.outcomes import outcome_from, outcome_json
from kb_server.evaluation.run_folder import RESULTS, RunFolder
from tests.unit.evaluation.made import case, citation, outcome, passages

CASES = [
    EvalCase(id=str(i), question=f"Question {i}?", answers=(f"answer {i}",), documents=("a.txt",)) for i in range(8)
]
SETUP = {"mode": "extract", "settings": {"retrieval": {"k": 5}}}


class Oracle:
    """Knows every answer; fails at a question if told to, and counts what it was asked."""

    def __init__(self, fail_at: str = "", error: BaseException | None = None) -> None:
        self.asked: list[str] = []
        self._fail_at = fail_at
        self._error = error or GenerationFailed("The model ran out of memory.")
        self._lock = threading.Lock()

    def __call__(self, question: str) -> Answer:
        with self._lock:
            self.asked.append(question)
        if question == self._fail_at:
            raise self._error
        number = question.split()[1].rstrip("?")
        hit = Hit(
            chunk=Chunk(
                id=1,
                document_id=1,
                document="a.txt",
                text=f"answer {number}",
                start=0,
                end=8,
                page=None,
                heading_path=(),
            ),
            score=0.5,
        )
        return Answer(
            text=f"answer {number}",
            refused=False,
            citations=(),
            hits=(hit,),
            mode=AnswerMode.EXTRACT,
            model=None,
            timings_ms={"total": 1.0},
        )


def _folder(path: Path) -> RunFolder:
    folder = RunFolder(path)
    folder.begin(SETUP)
    return folder


def _run(folder: RunFolder, ask: Callable[[str], Answer], workers: int = 1) -> list[str]:
    finished = answer_cases(CASES, Respondent(ask), folder, workers, lambda *_: None)
    return [item.answer for item in finished.outcomes]


def test_an_outcome_survives_being_written() -> None:
    made = outcome(case("1", "a", answers=["x"]), passages("a"), "x [1]", [citation(1, 0, "a")], judged=(True, None))
    assert outcome_from(outcome_json(made)) == made


@pytest.mark.parametrize("workers", [1, 3])
def test_outcomes_come_in_the_order_of_the_cases(tmp_path: Path, workers: int) -> None:
    assert _run(_folder(tmp_path), Oracle(), workers) == [f"answer {i}" for i in range(8)]


@pytest.mark.parametrize("workers", [1, 3])
def test_a_model_that_fails_midway_loses_nothing(tmp_path: Path, workers: int) -> None:
    failing = Oracle("Question 5?")
    with pytest.raises(GenerationFailed):
        _run(_folder(tmp_path), failing, workers)
    kept = len(_folder(tmp_path).outcomes())
    assert kept >= 5
    again = Oracle()
    assert _run(_folder(tmp_path), again, workers) == [f"answer {i}" for i in range(8)]
    assert len(again.asked) == 8 - kept
    assert "Question 0?" not in again.asked


def test_ctrl_c_says_how_far_it_came(tmp_path: Path) -> None:
    with pytest.raises(Interrupted, match="3 of 8 cases are done"):
        _run(_folder(tmp_path), Oracle("Question 3?", KeyboardInterrupt()))


def test_progress_counts_what_was_done_before(tmp_path: Path) -> None:
    with pytest.raises(GenerationFailed):
        _run(_folder(tmp_path), Oracle("Question 6?"))
    steps: list[tuple[int, int]] = []
    answer_cases(CASES, Respondent(Oracle()), _folder(tmp_path), 1, lambda *step: steps.append(step))
    assert steps == [(6, 8), (7, 8), (8, 8)]


def test_a_torn_last_line_is_run_again(tmp_path: Path) -> None:
    _run(_folder(tmp_path), Oracle())
    file = tmp_path / RESULTS
    file.write_bytes(file.read_bytes()[:-20])
    again = Oracle()
    assert _run(_folder(tmp_path), again) == [f"answer {i}" for i in range(8)]
    assert again.asked == ["Question 7?"]
    assert len(file.read_text("utf-8").splitlines()) == 8


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    _run(_folder(tmp_path), Oracle())
    lines = (tmp_path / RESULTS).read_text("utf-8").splitlines(keepends=True)
    (tmp_path / RESULTS).write_text("".join([*lines[:2], '{"id": 1}\n', *lines[3:]]), "utf-8")
    with pytest.raises(StorageError, match="Line 3"):
        _run(_folder(tmp_path), Oracle())


def test_a_case_that_was_edited_is_run_again(tmp_path: Path) -> None:
    _run(_folder(tmp_path), Oracle())
    edited = [*CASES[:7], EvalCase(id="7", question="Question 70?", answers=("answer 70",), documents=("a.txt",))]
    again = Oracle()
    finished = answer_cases(edited, Respondent(again), _folder(tmp_path), 1, lambda *_: None)
    assert again.asked == ["Question 70?"]
    assert finished.outcomes[7].answer == "answer 70"


def test_other_settings_are_refused_by_name(tmp_path: Path) -> None:
    _folder(tmp_path)
    with pytest.raises(UsageError, match=r"settings\.retrieval\.k: 5, now 8"):
        RunFolder(tmp_path).begin({**SETUP, "settings": {"retrieval": {"k": 8}}})


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("x", "utf-8")
    with pytest.raises(UsageError, match="not empty"):
        _folder(tmp_path)
    with pytest.raises(UsageError, match="cannot be written"):
        _folder(tmp_path / "thesis.txt")
    with pytest.raises(NotFound):
        RunFolder(tmp_path / "nowhere").setup()


def _kept(path: Path, right: int) -> RunFolder:
    """Return a run of 40 cases of which so many are answered rightly; slower the more there are."""
    folder = _folder(path)
    cases = [case(str(i), "a", answers=["yes"]) for i in range(40)]
    folder.replace(
        [
            outcome(item, passages("a"), "yes" if i < right else "no", timings={"total": 10.0 + right + i % 3})
            for i, item in enumerate(cases)
        ]
    )
    return folder


def test_compare_says_better_worse_or_neither(tmp_path: Path) -> None:
    a, b, c = _kept(tmp_path / "a", 10), _kept(tmp_path / "b", 30), _kept(tmp_path / "c", 11)
    found = compare(a, b)
    assert found.n == 40
    contains = found.metrics["contains"]
    assert (contains.a, contains.b, contains.difference, contains.verdict) == (0.25, 0.75, 0.5, "better")
    # 20 of 40 differ by 1: the standard error is .5 / sqrt(40) = .079
    assert contains.low == pytest.approx(0.5 - 1.96 * 0.079, abs=0.04)
    assert contains.high == pytest.approx(0.5 + 1.96 * 0.079, abs=0.04)
    assert found.metrics["latency_ms"].verdict == "worse"  # slower
    assert found.metrics["recall@1"].verdict == "no difference shown"
    assert compare(b, a).metrics["contains"].verdict == "worse"
    assert compare(a, c).metrics["contains"].verdict == "no difference shown"


def test_compare_pairs_only_the_same_cases(tmp_path: Path) -> None:
    a, b = _kept(tmp_path / "a", 10), _folder(tmp_path / "b")
    b.replace([outcome(case("0", "a", answers=["yes"]), passages("a"), "yes"), outcome(case("90"), answer="x")])
    found = compare(a, b)
    assert (found.n, found.only_in_a, found.only_in_b) == (1, 39, 1)
    b.replace([outcome(case("90"))])
    with pytest.raises(UsageError, match="no case in common"):
        compare(a, b)

"""Metrics of outcomes against values worked out by hand."""

from math import log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb_server.evaluation.metrics import calibration_error, refusal_at, retrieval_metrics, risk_coverage
from kb_server.evaluation.scoring import mean_interval, score, summarise
from kb_server.evaluation.statements import statements, unmarked
from tests.unit.evaluation.made import case, citation, outcome, passages

CHUNK = "The tower was finished in 1889. It stands in Paris."


def test_retrieval_by_document() -> None:
    # b counts at rank 2: a's second passage is not another document
    first = outcome(case("1", "b"), passages("a", "a", "b", "c"))
    # two documents, at ranks 1 and 4
    second = outcome(case("2", "a", "d"), passages("a", "b", "c", "d"))
    missed, nothing, free = (
        outcome(case("3", "z"), passages("a")),
        outcome(case("4", "z")),
        outcome(case("5"), passages("a")),
    )
    found = retrieval_metrics([first, second, missed, nothing, free])
    assert found[0] == pytest.approx(
        {
            "recall@1": 0,
            "recall@3": 1,
            "recall@5": 1,
            "recall@10": 1,
            "mrr@10": 1 / 2,
            "ndcg@10": 1 / log2(3),
            "map": 1 / 2,
        }
    )
    ideal = 1 + 1 / log2(3)
    assert found[1] == pytest.approx(
        {
            "recall@1": 0.5,
            "recall@3": 0.5,
            "recall@5": 1,
            "recall@10": 1,
            "mrr@10": 1,
            "ndcg@10": (1 + 1 / log2(5)) / ideal,
            "map": (1 + 2 / 4) / 2,
        }
    )
    assert set(found[2].values()) == set(found[3].values()) == {0.0}
    assert len(found[3]) == 7
    assert found[4] == {}


def test_statements_and_marks() -> None:
    answer = "It was 1889.[1] See [7] there [2]. And more."
    made = outcome(
        case(), passages("a", "b", text=CHUNK), answer, [citation(1, 0, "x"), citation(2, 1, "y", supported=False)]
    )
    found = statements(made)
    assert [(item.text, len(item.sources), item.supported) for item in found] == [
        ("It was 1889.", 1, True),
        ("See [7] there", 1, False),
        ("And more.", 0, False),
    ]
    assert unmarked(made) == "It was 1889. See [7] there. And more."


def test_citations_are_checked_against_their_passage() -> None:
    good = citation(1, 0, "The  tower was finished in 1889.")
    invented = citation(2, 0, "It stands in Rome.")
    made = outcome(
        case(answers=["1889"]),
        passages("a", text=CHUNK),
        "Finished in 1889.[1] It stands in Rome.[2]",
        [good, invented],
    )
    (scored,) = score([made])
    assert scored.metrics["citation_precision"] == 0.5
    assert scored.metrics["citation_recall"] == 1.0  # what the answer says of itself
    assert scored.metrics["faithfulness"] == 0.5  # Rome is not in the passage
    (unsupported,) = score(
        [outcome(case(), passages("a", text=CHUNK), "x.[1]", [citation(1, 0, CHUNK, supported=False)])]
    )
    assert unsupported.metrics["citation_precision"] == unsupported.metrics["citation_recall"] == 0.0


def test_a_refusal_has_no_citations_to_measure_and_no_answer() -> None:
    (scored,) = score([outcome(case(answers=["say"]), answer="The documents do not say.", refused=True)])
    assert scored.metrics["contains"] == 0.0
    assert scored.metrics["false_refusal"] == 1.0
    assert "citation_recall" not in scored.metrics


def test_a_judge_without_verdict_is_not_counted_as_one() -> None:
    made = outcome(case(answers=["1889"]), answer="1889", judged=(True, None, False, None))
    summary = summarise(score([made]))
    assert summary["answers"]["faithfulness_judged"] == 0.5
    assert summary["verdicts"] == {"yes": 1, "no": 1, "no_verdict": 2}
    silent = summarise(score([outcome(case(answers=["1889"]), answer="1889", judged=(None,))]))
    assert silent["answers"]["faithfulness_judged"] is None


def test_risk_coverage_by_hand() -> None:
    # by confidence: right, wrong, right, wrong; risks 0/1, 1/2, 1/3, 2/4
    curve = risk_coverage([0.2, 0.9, 0.5, 0.7], [False, True, True, False])
    assert curve.risk == pytest.approx([0, 1 / 2, 1 / 3, 2 / 4])
    assert curve.coverage == pytest.approx([0.25, 0.5, 0.75, 1.0])
    assert curve.area == pytest.approx((0 + 1 / 2 + 1 / 3 + 2 / 4) / 4)
    # two of one confidence share their loss, so that their order does not matter
    assert risk_coverage([0.5, 0.5], [True, False]).risk == pytest.approx([0.5, 0.5])


@given(
    st.lists(st.tuples(st.sampled_from([0.0, 0.25, 0.5, 1.0]), st.booleans()), min_size=1, max_size=30), st.randoms()
)
def test_the_order_of_cases_does_not_matter(pairs: list[tuple[float, bool]], rng: object) -> None:
    shuffled = list(pairs)
    rng.shuffle(shuffled)  # type: ignore[attr-defined] # hypothesis types its Random as object
    first, second = (risk_coverage([c for c, _ in some], [r for _, r in some]).area for some in (pairs, shuffled))
    assert first == pytest.approx(second)


def test_calibration_error_by_hand() -> None:
    # bin (.8, .9]: mean confidence .85, accuracy .5; bin (.1, .2]: .2 and 0: (2 * .35 + 1 * .2) / 3
    assert calibration_error([0.9, 0.8001, 0.2], [True, False, False]) == pytest.approx((abs(1.7001 - 1) + 0.2) / 3)
    assert calibration_error([1.0, 0.0], [True, False]) == 0.0


def test_refusals_at_a_rate_of_false_ones() -> None:
    answerable = [0.1, *(0.5 + i / 100 for i in range(19))]  # one of twenty, 5%, may be refused
    others = [0.3, 0.2, 0.45, 0.6]  # three lie below .5
    known = [True] * 20 + [False] * 4
    assert refusal_at([*answerable, *others], known, 0.05) == 0.75
    assert refusal_at([*answerable, *others], known, 0.0) == 0.0
    assert refusal_at(answerable, [True] * 20, 0.05) is None


def test_summary_by_hand() -> None:
    outcomes = score(
        [
            outcome(case("1", "a", answers=["x"]), passages("a"), "x", confidence=0.9, timings={"total": 10.0}),
            outcome(case("2", "a", answers=["x"]), passages("b", "a"), "y", confidence=0.8, timings={"total": 30.0}),
            outcome(case("3", answerable=False), passages("b"), "y", confidence=0.1, timings={"total": 20.0}),
            outcome(case("4", answerable=False), refused=True, confidence=0.0, timings={"total": 20.0}),
        ]
    )
    summary = summarise(outcomes)
    assert (summary["n"], summary["answerable"]) == (4, 2)
    assert summary["retrieval"]["recall@1"] == 0.5
    assert summary["retrieval"]["mrr@10"] == 0.75
    assert summary["answers"]["contains"] == 0.5
    assert summary["answers"]["refusal_recall"] == 0.5
    assert summary["answers"]["false_refusal"] == 0.0
    assert summary["refusal"]["aurc"] == pytest.approx((0 + 1 / 2 + 2 / 3 + 3 / 4) / 4, abs=1e-4)
    assert summary["latency_ms"]["p50"] == 20.0
    assert summary["answers"]["citation_precision"] is None
    assert summary["intervals"]["recall@1"] == [0.0, 1.0]


def test_intervals_hold_the_mean_and_narrow_with_more_cases() -> None:
    few = mean_interval(np.array([0.0, 1.0] * 10))
    many = mean_interval(np.array([0.0, 1.0] * 500))
    assert few[0] < 0.5 < few[1]
    # the normal approximation: 1.96 * .5 / sqrt(1000) = .031
    assert many == pytest.approx((0.469, 0.531), abs=0.004)
    assert mean_interval(np.array([0.7])) == (0.7, 0.7)
    assert mean_interval(np.array([0.0, 1.0, 1.0])) == mean_interval(np.array([0.0, 1.0, 1.0]))

"""Settings fitted to one half of the questions, and judged by the other."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kb_server.answering.refusal.confidence import ConfidenceModel
from kb_server.answering.refusal.evidence import Evidence, TermWeights
from kb_server.calibration.fits import Judged, fit_depth, fit_fusion, fit_passages, fit_refusal
from kb_server.calibration.tuning_questions import TuningQuestion
from kb_server.core.domain import Chunk, Fusion, Hit
from kb_server.search.calibration import UNTUNED


def _trial(dense: Sequence[float], lexical: Sequence[float]) -> TuningQuestion:
    """Make a question whose first chunk is the wanted one."""
    hits = tuple(
        Hit(
            chunk=Chunk(id=i, document_id=1, document=f"{i}.txt", text="", start=0, end=0, page=None, heading_path=()),
            score=0.0,
            stages={"dense": d, "lexical": s},
        )
        for i, (d, s) in enumerate(zip(dense, lexical, strict=True))
    )
    return TuningQuestion("where?", ("0.txt",), hits, frozenset({0}), TermWeights({}, 9), TermWeights({}, 8))


def test_a_weight_moves_only_if_that_is_surely_better() -> None:
    helped = [_trial((0.9, 0.1), (0.3, 0.4))] * 30  # found by meaning, missed by words alone
    weights, (change,) = fit_fusion(Fusion({"other": 0.0}, 9), helped, helped)
    assert weights["other"] > 0.1
    assert (change.setting, change.held_out_before, change.held_out_after) == ("fusion.other", 0.5, 1.0)
    other = [_trial((0.1, 0.9), (0.3, 0.4))] * 30  # the other half is hurt by meaning
    kept, (unchanged,) = fit_fusion(Fusion({"other": 0.0}, 9), helped, other)
    assert kept["other"] == 0.0
    assert unchanged.before == unchanged.after == 0.0
    assert fit_fusion(Fusion({"other": 0.0}, 9), helped[:5], helped[:5]) == ({"other": 0.0}, [])


def _judged(answerable: float, unanswerable: float, seed: int) -> Judged:
    random = np.random.default_rng(seed)

    def some(middle: float) -> list[Evidence]:
        return [Evidence(*row) for row in np.clip(random.normal(middle, 0.1, (50, 4)), 0, 1).tolist()]

    return Judged(some(answerable), some(unanswerable))


@settings(max_examples=25, deadline=None)
@given(*[st.floats(0.1, 0.9)] * 4, st.floats(0.01, 0.99))
def test_refusal_is_never_worse_on_what_was_held_out(a: float, b: float, c: float, d: float, bound: float) -> None:
    now = replace(UNTUNED, refuse_below=bound, passages=3, rerank_depth=20, chunks=0)
    fit, check = _judged(a, b, 0), _judged(c, d, 1)
    tuned, changes = fit_refusal(now, fit, check)

    def right(weights: tuple[float, ...], refuse_below: float) -> float:
        refused = check.refused(ConfidenceModel(weights), refuse_below)
        return refused["refusal_recall"] - refused["false_refusal"]

    assert right(tuned.weights, tuned.refuse_below) >= right(now.weights, now.refuse_below) - 1e-9
    assert all(change.held_out_after >= change.held_out_before for change in changes)


def test_the_bound_refuses_a_twentieth_of_the_answerable() -> None:
    fit = _judged(0.6, 0.2, 0)
    now = replace(UNTUNED, refuse_below=0.0, passages=3, rerank_depth=20, chunks=0)
    tuned, _ = fit_refusal(now, fit, _judged(0.6, 0.2, 1))
    refused = fit.refused(ConfidenceModel(tuned.weights), tuned.refuse_below)
    assert refused["false_refusal"] == pytest.approx(0.05, abs=0.02)
    assert refused["refusal_recall"] > 0.95
    assert set(tuned.held_out) == {"false_refusal", "refusal_recall"}


@pytest.mark.parametrize(
    ("fit", "check", "expected"),
    [
        ([1] * 50, [1] * 50, 3),  # never fewer than three
        ([1] * 40 + [5] * 10, [1] * 40 + [5] * 10, 5),
        ([1] * 40 + [5] * 10, [1] * 50, 5),  # no worse held out
        ([1] * 50, [1] * 40 + [4] * 10, 4),  # three would lose what four had
        ([0] * 50, [0] * 50, 3),
    ],
)
def test_passages(fit: list[int], check: list[int], expected: int) -> None:
    proposed, change = fit_passages(4, fit, check)
    assert proposed == expected
    assert change.held_out_after >= change.held_out_before


def test_rerank_depth() -> None:
    ranks = {0: [2, 2], 10: [1, 2], 20: [1, 1], 40: [1, 1]}
    assert fit_depth(20, lambda depth: (ranks[depth], ranks[depth]))[0] == 20  # the least of the best
    harmful = {depth: [1, 1] if depth == 0 else [2, 2] for depth in ranks}
    depth, change = fit_depth(20, lambda depth: (harmful[depth], harmful[depth]))
    assert (depth, change.held_out_before, change.held_out_after) == (0, 0.5, 1.0)
    assert fit_depth(20, lambda depth: (harmful[depth], ranks[depth]))[0] == 20

"""A logistic model that a base's questions move."""

from dataclasses import replace

import numpy as np
import pytest

from kb_server.answering.refusal.confidence import ConfidenceModel
from kb_server.answering.refusal.evidence import Evidence
from kb_server.search.calibration import UNTUNED, mean_calibration, untuned

MODEL = ConfidenceModel(UNTUNED.weights)


def _evidence(middle: float, count: int, seed: int) -> list[Evidence]:
    figures = np.clip(np.random.default_rng(seed).normal(middle, 0.05, (count, 4)), 0, 1)
    return [Evidence(*row) for row in figures.tolist()]


def test_confidence_by_hand() -> None:
    model = ConfidenceModel((1.0, 2.0, -3.0, 0.5, 0.25))
    assert model.confidence(Evidence(0.5, 0.5, 0.5, 0.5)) == pytest.approx(1 / (1 + np.exp(-0.5)))
    assert model.confidence(Evidence(0, 0, 0, 0)) == pytest.approx(1 / (1 + np.exp(-0.25)))


def test_fitting_moves_towards_the_questions() -> None:
    """Another embedder's scores lie high for anything; the fit learns what is high there."""
    answerable, not_so = _evidence(0.9, 60, 0), _evidence(0.75, 40, 1)
    evidence, is_answerable = [*answerable, *not_so], [True] * 60 + [False] * 40
    fitted = MODEL.fitted(evidence, is_answerable)

    def loss(model: ConfidenceModel) -> float:
        parts = [np.mean([-np.log(model.confidence(item)) for item in answerable])]
        parts.append(np.mean([-np.log(1 - model.confidence(item)) for item in not_so]))
        return float(sum(parts))

    assert loss(fitted) < loss(MODEL)
    assert fitted == MODEL.fitted(evidence, is_answerable)


def test_fitting_to_what_is_parted_already_stays_finite_and_near() -> None:
    fitted = MODEL.fitted([*_evidence(1.0, 30, 0), *_evidence(0.0, 30, 1)], [True] * 30 + [False] * 30)
    assert np.isfinite(fitted.weights).all()
    assert np.abs(np.array(fitted.weights) - MODEL.weights).max() < 5


def test_a_small_base_refuses_less() -> None:
    assert 0 < untuned(1).refuse_below < untuned(100).refuse_below < untuned(200).refuse_below < UNTUNED.refuse_below
    assert untuned(300) == untuned(10**6) == UNTUNED


def test_several_bases_are_judged_by_the_mean_of_their_calibrations() -> None:
    one, other = (replace(UNTUNED, weights=(weight,) * 5, refuse_below=weight) for weight in (0.2, 0.6))
    mean = mean_calibration([one, other], [30, 10])
    assert mean.weights == pytest.approx((0.3,) * 5)
    assert mean.refuse_below == pytest.approx(0.3)
    assert mean_calibration([other], [0]) == other
    assert mean_calibration([one, other], [0, 0]) == one

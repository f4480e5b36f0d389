"""The arithmetic of mixing, against a linear reference in 64 bits: invariants 2 to 9, 14, 23 and 24 of kNN-LM."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb_server.core.knn_lm import UNTUNED, Gate, KnnAsk, Mixing
from kb_server.knnlm.interpolation import Floats, Neighbours, combined, neighbour_probabilities, own_of, shares

VOCABULARY = 50
FIXED = Mixing(weight=0.3, temperature=0.7)


def found(distances: list[float], tokens: list[int]) -> Neighbours:
    order = np.argsort(distances, kind="stable")
    rows = np.arange(len(tokens))
    return Neighbours(rows[order], np.array(distances, np.float32)[order], np.array(tokens, np.int64)[order], len(rows))


def shared(distances: list[float], mixing: Mixing, tokens: list[int] | None = None, entropy: float = 1.0) -> float:
    """Return lambda for neighbours of these tokens, all different unless given."""
    values = np.array(tokens or range(len(distances)), np.int64)
    return float(shares(np.array(distances, np.float32), values, np.array(entropy), mixing))


def reference(logits: Any, neighbours: Neighbours, weight: float, temperature: float) -> Floats:  # noqa: ANN401 - any array
    """Return probabilities, computed linearly, one token after the other."""
    probabilities = np.exp(logits.astype(np.float64))
    probabilities = probabilities / probabilities.sum()
    parts = np.exp(-neighbours.distances.astype(np.float64) / temperature)
    mixed: Floats = (1 - weight) * probabilities
    for token, part in zip(neighbours.tokens, parts / parts.sum(), strict=True):
        mixed[token] += weight * part
    return mixed


cases = st.tuples(
    st.lists(st.tuples(st.floats(0, 20, width=32), st.integers(0, VOCABULARY - 1)), min_size=1, max_size=12),
    st.floats(0.01, 1.0),
    st.floats(0.2, 10.0),
    st.integers(0, 2**32 - 1),
)


@given(cases)
def test_mixing_is_the_linear_reference(case: tuple[list[tuple[float, int]], float, float, int]) -> None:
    pairs, weight, temperature, seed = case
    neighbours = found([d for d, _ in pairs], [t for _, t in pairs])
    logits = np.random.default_rng(seed).normal(0, 5, VOCABULARY).astype(np.float32)
    mixture = combined(own_of(logits), neighbours, Mixing(weight=weight, temperature=temperature))
    assert mixture is not None
    probabilities = np.exp(mixture.log_probabilities)
    own = np.exp(own_of(logits).log_probabilities)
    assert own_of(logits).entropy == pytest.approx(-(own * np.log(own)).sum(), rel=1e-9, abs=1e-12)
    assert probabilities == pytest.approx(reference(logits, neighbours, weight, temperature), rel=1e-9, abs=1e-12)
    assert probabilities.sum() == pytest.approx(1, abs=1e-6)
    assert (probabilities >= (1 - weight) * own * (1 - 1e-12)).all()
    others = np.setdiff1d(np.arange(VOCABULARY), neighbours.tokens)
    if weight < 1:
        expected = own_of(logits).log_probabilities[others] + np.log1p(-weight)
        assert np.array_equal(mixture.log_probabilities[others], expected)
    assert mixture.neighbour_probabilities.sum() == pytest.approx(weight, rel=1e-12)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_probabilities_of_small_number_formats_sum_to_one(dtype: Any) -> None:  # noqa: ANN401 - a NumPy type
    logits = (np.random.default_rng(0).normal(0, 8, 150_000)).astype(dtype).astype(np.float32)
    mixture = combined(own_of(logits), found([1.0, 2.0], [3, 149_999]), FIXED)
    assert mixture is not None
    assert np.exp(mixture.log_probabilities).sum() == pytest.approx(1, abs=1e-6)


def test_all_weight_on_one_neighbour_is_its_token() -> None:
    mixture = combined(own_of(np.zeros(5, np.float32)), found([0.0], [3]), Mixing(weight=1.0, k=1))
    assert mixture is not None
    assert np.exp(mixture.log_probabilities).tolist() == [0, 0, 0, 1, 0]


def test_values_that_repeat_are_added() -> None:
    own = own_of(np.zeros(10, np.float32))
    twice = combined(own, found([1.0, 1.0, 1.0, 1.0], [7, 7, 7, 2]), FIXED)
    assert twice is not None
    probabilities = np.exp(twice.log_probabilities)
    assert probabilities[7] == pytest.approx(0.7 * 0.1 + 0.3 * 0.75)
    assert probabilities[2] == pytest.approx(0.7 * 0.1 + 0.3 * 0.25)


def test_temperature_goes_from_the_nearest_to_the_frequencies() -> None:
    distances = np.array([1.0, 1.5, 2.0], np.float32)
    assert neighbour_probabilities(distances, 1e-4).tolist() == [1, 0, 0]
    assert neighbour_probabilities(distances, 1e9) == pytest.approx(1 / 3, rel=1e-6)


@given(st.lists(st.floats(0, 50, width=32), min_size=2, max_size=20), st.floats(0.1, 8.0))
def test_scaled_keys_with_a_scaled_temperature_change_nothing(distances: list[float], scale: float) -> None:
    ascending = np.sort(np.array(distances, np.float64))
    before = neighbour_probabilities(ascending.astype(np.float32), 2.0)
    after = neighbour_probabilities((ascending * scale**2).astype(np.float32), 2.0 * scale**2)
    assert after == pytest.approx(before, rel=1e-4, abs=1e-7)
    adaptive = Mixing()
    one, other = (shared((ascending * s).tolist(), adaptive) for s in (1.0, scale**2))
    assert one == pytest.approx(other, rel=1e-4, abs=1e-6)


@given(st.lists(st.floats(0, 50, width=32), min_size=1, max_size=20), st.floats(0.05, 5.0))
def test_a_larger_distance_never_gets_more(distances: list[float], temperature: float) -> None:
    parts = neighbour_probabilities(np.sort(np.array(distances, np.float32)), temperature)
    assert (np.diff(parts) <= 0).all()


@given(st.floats(0, 9, width=32), st.floats(0, 9, width=32), st.floats(0.05, 0.9), st.floats(0.05, 0.9))
def test_the_adaptive_weight_is_capped_and_falls_with_the_ratio(a: float, b: float, cap: float, middle: float) -> None:
    mixing = Mixing(cap=cap, midpoint=middle)
    near, far = (shared([d, 10.0], mixing) for d in sorted((a, b)))
    assert 0 <= far <= near <= cap


@given(st.floats(0, 9, width=32), st.floats(0, 9, width=32), st.floats(-3, 0), st.floats(-2, 2), st.floats(0.05, 0.9))
def test_a_gate_stays_in_its_cap_and_falls_with_the_distance(
    a: float, b: float, falling: float, bias: float, cap: float
) -> None:
    mixing = Mixing(gate=Gate(bias, falling, 0.5, 0.0), cap=cap)
    near, far = (shared([d, 10.0], mixing) for d in sorted((a, b)))
    assert 0 <= far <= near + 1e-12 <= cap + 1e-9


def test_a_gate_looks_at_distance_entropy_and_agreement() -> None:
    mixing = Mixing(gate=Gate(0.2, -0.5, 0.25, 2.0), cap=1.0, temperature=1.0)
    agreeing = (1 + np.exp(-1)) / (1 + 2 * np.exp(-1))  # of three neighbours at 1, 2, 2 the first two have one token
    expected = 1 / (1 + np.exp(-(0.2 - 0.5 * np.log(1.001) + 0.25 * 3 + 2 * agreeing)))
    assert shared([1.0, 2.0, 2.0], mixing, [7, 7, 8], entropy=3.0) == pytest.approx(expected)
    own = own_of(np.zeros(20, np.float32))
    mixture = combined(own, found([1.0, 2.0, 2.0], [7, 7, 8]), mixing)
    assert mixture is not None
    assert mixture.weight == pytest.approx(shared([1.0, 2.0, 2.0], mixing, [7, 7, 8], entropy=np.log(20)))
    assert shared([1.0, 2.0, 2.0], replace(mixing, weight=0.4)) == 0.4


def test_nothing_counts_beyond_the_limit() -> None:
    mixing = Mixing(weight=0.5, limit=1.0)
    table = np.array([[0.5, 3.0], [1.5, 3.0]], np.float32)
    assert shares(table, np.zeros((2, 2), np.int64), np.zeros(2), mixing).tolist() == [0.5, 0.0]
    assert combined(own_of(np.zeros(4, np.float32)), found([1.5], [1]), mixing) is None


def test_an_untuned_store_has_a_limit_unless_a_weight_is_asked_for() -> None:
    assert KnnAsk().mixing(None).limit == 0.5
    assert KnnAsk(k=9, cap=0.1).mixing(None) == replace(UNTUNED, k=9, cap=0.1)
    assert KnnAsk(weight=0.3).mixing(None) == Mixing(weight=0.3)
    tuned = Mixing(k=7, gate=Gate(0.0, -1.0, 0.0, 0.0))
    assert KnnAsk().mixing(tuned) == tuned


def test_without_neighbours_the_model_stands_alone() -> None:
    assert combined(own_of(np.zeros(4, np.float32)), found([], []), FIXED) is None
    assert shared([0.0], Mixing()) == pytest.approx(0.25)
    pointers_only = Neighbours(np.arange(1), np.ones(1, np.float32), np.arange(1), 0)
    assert combined(own_of(np.zeros(4, np.float32)), pointers_only, FIXED) is None


def test_entropy_is_that_of_a_known_distribution() -> None:
    assert own_of(np.zeros(8, np.float32)).entropy == pytest.approx(np.log(8))
    assert own_of(np.array([0, -np.inf], np.float32)).entropy == 0

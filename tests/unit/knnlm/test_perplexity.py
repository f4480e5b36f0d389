"""Perplexity, tuning and the controls, on texts whose numbers are known."""

from dataclasses import replace

import numpy as np
import pytest

from kb_server.core.knn_lm import Gate, Mixing
from kb_server.knnlm.interpolation import Neighbours, combined, own_of
from kb_server.knnlm.measure import best_cache, cache_probabilities, random_neighbours, shuffled_values
from kb_server.knnlm.perplexity import Scored, interpolated, mixed, perplexity
from kb_server.knnlm.tune import guarded, limited, tuned

VOCABULARY = 40


def made(helpful: float, count: int = 400, seed: int = 0) -> Scored:
    """Return tokens whose nearest neighbour is right with this probability, beside a model that is even."""
    random = np.random.default_rng(seed)
    tokens = random.integers(0, VOCABULARY, count)
    distances = np.sort(random.uniform(0.5, 2.0, (count, 256)), axis=1).astype(np.float32)
    found = random.integers(0, VOCABULARY, (count, 256))
    right = random.random(count) < helpful
    found[right, 0] = tokens[right]
    distances[:, 0] = np.where(right, 0.05, 0.45)
    return Scored(tokens, np.full(count, -np.log(VOCABULARY)), np.full(count, np.log(VOCABULARY)), distances, found)


@pytest.mark.parametrize(
    "mixing",
    [
        Mixing(k=9, weight=0.3, temperature=0.3),
        Mixing(k=256, cap=0.6),
        Mixing(k=30, gate=Gate(-1.0, -0.5, 0.2, 1.0), cap=0.9),
    ],
)
def test_a_token_scores_what_decoding_would_give_it(mixing: Mixing) -> None:
    text = made(0.5, 30)
    own = own_of(np.zeros(VOCABULARY, np.float32))
    for place, value in enumerate(mixed(text, mixing)):
        found = Neighbours(
            np.arange(mixing.k), text.distances[place, : mixing.k], text.found[place, : mixing.k], mixing.k
        )
        mixture = combined(own, found, mixing)
        assert mixture is not None
        assert value == pytest.approx(mixture.log_probabilities[text.tokens[place]])


def test_tuning_finds_a_gain_and_adaptive_is_no_worse() -> None:
    text, fresh = made(0.5), made(0.5, seed=1)
    adaptive, fixed = tuned(text), tuned(text, adaptive=False)
    assert fixed.weight is not None
    assert perplexity(mixed(fresh, adaptive)) < perplexity(mixed(fresh, fixed)) < perplexity(fresh.own)


def test_a_gate_finds_where_the_neighbours_are_right() -> None:
    """Here they are when the model is entropy, which distances do not show."""
    random = np.random.default_rng(7)
    texts = []
    for seed in (0, 1):
        text = made(0.5, 600, seed)
        right = text.found[:, 0] == text.tokens
        distances = text.distances.copy()
        distances[:, 0] = 0.2
        own = np.where(right, -np.log(VOCABULARY), np.log(0.9))
        entropy = np.where(right, np.log(VOCABULARY), 0.5) + random.normal(0, 0.1, 600)
        texts.append(replace(text, own=own, entropy=entropy, distances=distances))
    text, fresh = texts
    mixing = tuned(text)
    assert mixing.gate is not None
    assert mixing.gate.distance <= 0 < mixing.gate.entropy
    without = replace(mixing, gate=None, cap=0.5)
    assert perplexity(mixed(fresh, mixing)) < 0.9 * min(perplexity(mixed(fresh, without)), perplexity(fresh.own))


def test_too_short_a_text_gets_no_gate() -> None:
    assert tuned(made(0.5, 100)).gate is None


def test_useless_neighbours_get_little() -> None:
    text = made(0.0)
    assert perplexity(mixed(text, tuned(text))) < 1.02 * perplexity(text.own)


def test_the_limit_leaves_unrelated_text_alone() -> None:
    text, mixing = made(0.5), Mixing(weight=0.3)
    useless = made(0.0, seed=4)
    apart = np.random.default_rng(4).uniform(0.3, 2, len(text.tokens)).astype(np.float32)
    wrong = np.full_like(useless.found, VOCABULARY)
    far = replace(useless, distances=useless.distances + apart[:, None], found=wrong)
    assert perplexity(mixed(far, mixing)) > 1.1 * perplexity(far.own)
    with_limit = limited(mixing, far)
    assert with_limit.limit is not None
    assert perplexity(mixed(far, with_limit)) <= 1.0026 * perplexity(far.own)
    assert np.array_equal(mixed(text, with_limit), mixed(text, mixing))  # all of it is nearer
    wider = replace(with_limit, limit=with_limit.limit + 0.1)
    assert perplexity(mixed(far, wider)) > 1.0026 * perplexity(far.own)


def test_a_gate_learns_to_leave_unrelated_text_alone() -> None:
    """Its neighbours agree and the model is entropy, as where they help, but they are farther."""
    text, fresh, useless = made(0.6), made(0.6, seed=1), made(0.0, seed=2)
    apart = np.random.default_rng(4).uniform(0.1, 2, (len(useless.tokens), 1)).astype(np.float32)
    far = replace(useless, distances=useless.distances + apart, found=np.full_like(useless.found, VOCABULARY))
    careless = Mixing(k=16, temperature=0.05, cap=0.75, gate=Gate(0.5, 0.0, 0.0, 0.0))
    assert perplexity(mixed(far, careless)) > 1.1 * perplexity(far.own)
    safe = guarded(careless, text, far)
    assert safe.gate is not None
    assert safe.gate.distance < 0
    assert perplexity(mixed(far, safe)) <= 1.0026 * perplexity(far.own)
    assert perplexity(mixed(fresh, safe)) < 0.8 * perplexity(fresh.own)


def test_text_that_neighbours_help_sets_no_limit() -> None:
    text, mixing = made(1.0), Mixing(weight=0.3)
    assert limited(mixing, text) == mixing


def test_controls_do_not_help_where_neighbours_do() -> None:
    text = made(0.8)
    store = np.random.default_rng(2).integers(0, VOCABULARY, 5000)
    mixing = tuned(text)
    real = perplexity(mixed(text, mixing))
    for control in (shuffled_values(text, store), random_neighbours(text, store)):
        assert perplexity(mixed(control, mixing)) > perplexity(text.own) > real
    assert sorted(np.unique(shuffled_values(text, store).found)) == sorted(np.unique(text.found))


def test_the_cache_knows_what_followed_the_longest_context() -> None:
    store = np.array([1, 2, 3, 1, 2, 4, 1, 2, 3])
    probabilities = cache_probabilities(np.array([1, 2, 3, 9]), store)
    assert probabilities.tolist() == [3 / 9, 1.0, 2 / 3, 0.0]
    own = np.log(np.full(4, 0.1))
    assert best_cache(own[:3], probabilities[:3]) == 0.5
    assert np.exp(interpolated(own, probabilities, 0.5)).tolist() == pytest.approx(
        [0.05 + 1 / 6, 0.55, 0.05 + 1 / 3, 0.05]
    )

"""Which token is chosen, against the definitions of top-k, top-p and the repetition penalty; and broken numbers."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kb_server.core.answers import Sampling
from kb_server.core.errors import GenerationFailed, InvalidLogits

torch = pytest.importorskip("torch", reason="needs the extra `generate`")

from kb_server.llm.decoding.sampling import choose, processors  # noqa: E402 - after the package is known to be there

RANDOM = torch.Generator().manual_seed(0)


def test_top_k_keeps_the_likeliest() -> None:
    logits = torch.tensor([1.0, 3.0, 2.0, 0.0])
    assert {choose(logits, Sampling(temperature=5.0, top_k=2), RANDOM) for _ in range(200)} == {1, 2}


def test_top_p_keeps_the_fewest_that_reach_it() -> None:
    logits = torch.tensor([0.1, 0.5, 0.3, 0.1]).log()
    assert {choose(logits, Sampling(temperature=1.0, top_p=0.7), RANDOM) for _ in range(200)} == {1, 2}
    assert {choose(logits, Sampling(temperature=1.0, top_p=1e-9), RANDOM) for _ in range(50)} == {1}


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.floats(-8, 8, width=16), min_size=2, max_size=12, unique=True),
    st.floats(0.2, 3),
    st.integers(0, 14),
    st.floats(0.05, 1),
)
def test_the_distribution_is_that_of_its_definition(
    numbers: list[float], temperature: float, top_k: int, top_p: float
) -> None:
    sampling = Sampling(temperature=temperature, top_k=top_k, top_p=top_p)
    ids = torch.zeros((1, 0), dtype=torch.long)
    found = processors(sampling)(ids, torch.tensor([numbers])).softmax(-1)[0].numpy()
    order = np.argsort(numbers)[::-1][: top_k or None]
    weights = np.exp((np.array(numbers)[order] - max(numbers)) / temperature)
    weights /= weights.sum()
    before = weights.cumsum() - weights
    if np.abs(before - top_p).min() < 1e-5:
        return  # a sum in 32 bits may fall on either side
    kept = np.where(before < top_p, weights, 0)
    expected = np.zeros(len(numbers))
    expected[order] = kept / kept.sum()
    assert found == pytest.approx(expected, abs=1e-5)


def test_the_repetition_penalty_lowers_what_was_seen() -> None:
    logits = torch.tensor([2.0, 1.9, -1.0])
    assert choose(logits, Sampling(), RANDOM, [0]) == 0
    assert choose(logits, Sampling(repetition_penalty=1.5), RANDOM, [0]) == 1
    assert choose(logits, Sampling(repetition_penalty=1.5), RANDOM) == 0
    assert choose(torch.tensor([-1.0, -1.2]), Sampling(repetition_penalty=1.5), RANDOM, [0]) == 1


@pytest.mark.parametrize("temperature", [0.0, 1e-40, 1e-7, -1.0])
def test_a_temperature_next_to_nothing_is_greedy(temperature: float) -> None:
    logits = torch.tensor([3.0, 3.0001, -2.0]).repeat(1000)
    assert choose(logits, Sampling(temperature=temperature), RANDOM) == 1


def test_the_smallest_temperature_still_draws() -> None:
    assert choose(torch.tensor([3.0, 3.5, -2.0]), Sampling(temperature=1e-6), RANDOM) == 1


@pytest.mark.parametrize("sampling", [Sampling(), Sampling(temperature=1.0), Sampling(temperature=1.0, top_k=2)])
@pytest.mark.parametrize("broken", [[1.0, math.nan, 2.0], [1.0, math.inf, 2.0], [-math.inf] * 3])
def test_numbers_that_broke_down_are_said(sampling: Sampling, broken: list[float]) -> None:
    with pytest.raises(InvalidLogits, match=r"highest logit is (nan|inf|-inf)") as raised:
        choose(torch.tensor(broken), sampling, RANDOM)
    assert isinstance(raised.value, GenerationFailed)


def test_a_token_that_is_left_out_is_no_broken_number() -> None:
    assert choose(torch.tensor([-math.inf, 1.0]), Sampling(temperature=1.0), RANDOM) == 1

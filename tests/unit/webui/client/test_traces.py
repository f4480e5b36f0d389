"""Where the words of an answer came from."""

import pytest

from webui.client.traces import OriginOfToken, Trace


def _token(mass: float, probability: float) -> OriginOfToken:
    given = {"token": "a", "lambda": 0.5, "mass": mass, "probability": probability, "entropy": 1.0, "decided": False}
    return OriginOfToken.model_validate(given)


@pytest.mark.parametrize(
    ("mass", "probability", "share"), [(0.2, 0.8, 0.25), (0.0, 0.8, 0.0), (0.8001, 0.8, 1.0), (0.0, 0.0, 0.0)]
)
def test_the_share_is_the_neighbours_part_of_the_probability(mass: float, probability: float, share: float) -> None:
    """Both are rounded on their way here, so the part may come out a little above the whole."""
    assert _token(mass, probability).share == pytest.approx(share)


def test_a_trace_as_the_service_gives_it() -> None:
    source = {"document": "a.txt", "chunk_id": 7, "offset": 3, "start": 12, "mass": 0.4}
    token = {"token": "owl", "lambda": 0.25, "mass": 0.4, "probability": 0.5, "entropy": 2.0, "decided": True}
    first = {"document": "a.txt", "chunk_id": 7, "offset": 3, "start": 12}
    trace = Trace.model_validate(
        {"keys": 9, "decided": 1, "reason": None, "tokens": [{**token, **first, "sources": [source]}]}
    )
    (found,) = trace.tokens
    assert (found.weight, found.share, found.sources[0].start) == (0.25, 0.8, 12)

"""Models with an encoder: answers at once take turns by the token, and an error of one is its reader's alone."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from kb_server.core.answers import Sampling
from kb_server.core.errors import GenerationFailed, InvalidLogits
from kb_server.llm.engines.transformers import TransformersGenerator
from tests.models.tiny import tiny_model

torch = pytest.importorskip("torch", reason="needs the extra `generate`")

from kb_server.llm.decoding.sampling import choose  # noqa: E402 - after the package is known to be there

HOW = [Sampling(max_tokens=8, temperature=3.0, seed=seed) for seed in (1, 2, 3)]


@pytest.fixture(scope="module")
def decoder(tmp_path_factory: pytest.TempPathFactory) -> Any:  # noqa: ANN401 - either decoder
    folder = tiny_model(tmp_path_factory.mktemp("models") / "t5", "t5", initializer_factor=0.05)
    return TransformersGenerator(str(folder), device="cpu")._made_ready().decoder


def started(decoder: Any) -> list[Iterator[int]]:  # noqa: ANN401 - see above
    return [decoder.tokens([5 + n, 6, 7], how, how.max_tokens) for n, how in enumerate(HOW)]


@pytest.mark.parametrize("position", range(3))
def test_numbers_that_break_down_in_one_answer_leave_the_others_alone(
    decoder: Any,  # noqa: ANN401 - see above
    monkeypatch: pytest.MonkeyPatch,
    position: int,
) -> None:
    alone = [list(stream) for stream in started(decoder)]
    assert min(map(len, alone)) >= 3
    tokens = itertools.count(1)

    def choosing(logits: Any, how: Sampling, *rest: Any) -> int:  # noqa: ANN401 - passed on
        broken = how is HOW[position] and next(tokens) == 3
        return choose(logits * torch.nan if broken else logits, how, *rest)

    monkeypatch.setattr("kb_server.llm.decoding.seq2seq.choose", choosing)
    streams = started(decoder)
    got: list[list[int]] = [[], [], []]
    for number in [0, 1, 2] * 2:
        got[number].append(next(streams[number]))
    with pytest.raises(InvalidLogits):
        next(streams[position])
    for number in range(3):
        assert got[number] + list(streams[number]) == (alone[number][:2] if number == position else alone[number])


def test_a_mixer_is_refused(decoder: Any) -> None:  # noqa: ANN401 - see above
    with pytest.raises(GenerationFailed, match="t5"):
        next(decoder.tokens([5, 6], HOW[0], 4, object()))

"""Choosing the next token with transformers' own processors, in the order that its `generate` has them.

Why not our own: docs/decisions/sampling.md.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from kb_server.core.answers import Sampling
from kb_server.core.errors import InvalidLogits

if TYPE_CHECKING:
    import torch
    from transformers import LogitsProcessorList


def check_logits(logits: "torch.Tensor") -> None:
    """Raise InvalidLogits for logits [vocabulary] that no distribution can be made of; -inf leaves a token out."""
    if not math.isfinite(highest := float(logits.max())):  # NaN if one of them is
        raise InvalidLogits(
            f"The model's numbers broke down in this answer: its highest logit is {highest}.",
            "Ask again; if it stays so, choose another generation.quantization or device.",
        )


def choose(logits: "torch.Tensor", sampling: Sampling, random: "torch.Generator", seen: Sequence[int] = ()) -> int:
    """Pick the next id from logits [vocabulary]: the best if greedy, else one of the top_k and top_p likeliest.

    `seen` are the ids of prompt and answer, which the repetition penalty makes less likely. Raises InvalidLogits.
    """
    import torch

    check_logits(logits)
    needed = seen if sampling.repetition_penalty != 1 else ()
    ids = torch.tensor([list(needed)], dtype=torch.long, device=logits.device)
    scores = processors(sampling)(ids, logits[None].float())[0]  # type: ignore[arg-type]  # a LongTensor, to mypy a Tensor
    if sampling.greedy:
        return int(scores.argmax())
    return int(torch.multinomial(scores.softmax(-1), 1, generator=random))


def processors(sampling: Sampling) -> "LogitsProcessorList":
    """Return what is done to the logits of a token before it is drawn."""
    from transformers import (
        LogitsProcessorList,
        RepetitionPenaltyLogitsProcessor,
        TemperatureLogitsWarper,
        TopKLogitsWarper,
        TopPLogitsWarper,
    )

    made = LogitsProcessorList()
    if sampling.repetition_penalty != 1:
        made.append(RepetitionPenaltyLogitsProcessor(float(sampling.repetition_penalty)))
    if sampling.greedy:
        return made
    made.append(TemperatureLogitsWarper(float(sampling.temperature)))
    if sampling.top_k:
        made.append(TopKLogitsWarper(sampling.top_k))
    if sampling.top_p < 1:
        made.append(TopPLogitsWarper(sampling.top_p))
    return made

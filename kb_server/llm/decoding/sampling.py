"""Choosing the next token."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kb_server.core.answers import Sampling

if TYPE_CHECKING:
    import torch


def choose(logits: "torch.Tensor", sampling: Sampling, random: "torch.Generator", seen: Sequence[int] = ()) -> int:
    """Pick the next id from logits [vocabulary]: the best at temperature 0, else one of the top_k and top_p likeliest.

    `seen` are the ids of prompt and answer, which the repetition penalty makes less likely.
    """
    import torch

    if sampling.repetition_penalty != 1.0 and seen:
        logits = _penalized(logits, sampling.repetition_penalty, seen)
    if sampling.temperature <= 0:
        return int(logits.argmax())
    chances, order = (logits.float() / sampling.temperature).softmax(-1).sort(descending=True)
    if sampling.top_k:
        chances[sampling.top_k :] = 0.0
        chances /= chances.sum()
    chances[chances.cumsum(-1) - chances >= sampling.top_p] = 0.0
    chances[0] = chances[0].clamp_min(torch.finfo(torch.float32).tiny)  # top_p 0 leaves the best
    return int(order[torch.multinomial(chances, 1, generator=random)])


def _penalized(logits: "torch.Tensor", penalty: float, seen: Sequence[int]) -> "torch.Tensor":
    """Divide the positive and multiply the negative logits of seen ids (Keskar et al. 2019, CTRL, section 4.1)."""
    import torch

    ids = torch.tensor(sorted(set(seen)), device=logits.device)
    found = logits[ids].float()
    return logits.float().index_put((ids,), torch.where(found > 0, found / penalty, found * penalty))

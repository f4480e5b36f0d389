"""Choosing the next token."""

from typing import TYPE_CHECKING

from kb_server.domain import Sampling

if TYPE_CHECKING:
    import torch


def choose(logits: "torch.Tensor", sampling: Sampling, random: "torch.Generator") -> int:
    """Pick the next id from logits [vocabulary]: the best at temperature 0, else one of the top_p nucleus."""
    import torch

    if sampling.temperature <= 0:
        return int(logits.argmax())
    chances, order = (logits.float() / sampling.temperature).softmax(-1).sort(descending=True)
    chances[chances.cumsum(-1) - chances >= sampling.top_p] = 0.0
    chances[0] = chances[0].clamp_min(torch.finfo(torch.float32).tiny)  # top_p 0 leaves the best
    return int(order[torch.multinomial(chances, 1, generator=random)])

"""Choosing the next token: transformers' processors beside the own rule that they took the place of.

    python -m benchmarks.sampling [--rounds N] [--threads N]

Both get the same random logits. Compared are the ids that each may draw, the probability of those that only one of them
keeps, and the least milliseconds for a token.
"""

import argparse
import time
from collections.abc import Callable

import torch

from kb_server.core.answers import Sampling
from kb_server.llm.decoding.sampling import choose, processors

SIZES = {"SmolLM2": 49_152, "ChatGLM3": 65_024, "GLM-4": 151_552}
HOW = {
    "greedy": Sampling(),
    "temperature": Sampling(temperature=0.8),
    "top_p 0.9": Sampling(temperature=0.8, top_p=0.9),
    "top_k 50": Sampling(temperature=0.8, top_k=50),
    "top_k 50, top_p 0.9": Sampling(temperature=0.8, top_k=50, top_p=0.9),
    "these, penalty 1.1": Sampling(temperature=0.8, top_k=50, top_p=0.9, repetition_penalty=1.1),
}
SEEN = list(range(0, 4000, 2))  # ids of prompt and answer


def own(logits: torch.Tensor, sampling: Sampling) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the former rule's weights, likeliest first, and their ids."""
    if sampling.repetition_penalty != 1:
        ids = torch.tensor(sorted(set(SEEN)))
        found, penalty = logits[ids].float(), sampling.repetition_penalty
        logits = logits.float().index_put((ids,), torch.where(found > 0, found / penalty, found * penalty))
    chances, order = (logits.float() / sampling.temperature).softmax(-1).sort(descending=True)
    if sampling.top_k:
        chances[sampling.top_k :] = 0.0
        chances /= chances.sum()
    chances[chances.cumsum(-1) - chances >= sampling.top_p] = 0.0
    return chances, order


def own_choice(logits: torch.Tensor, sampling: Sampling, random: torch.Generator) -> int:
    """Draw by the former rule."""
    if sampling.greedy:
        return int(logits.argmax())
    chances, order = own(logits, sampling)
    return int(order[torch.multinomial(chances, 1, generator=random)])


def compare(size: int, sampling: Sampling, rounds: int, dtype: torch.dtype) -> tuple[int, float]:
    """Return in how many rounds other ids were kept, and the most probability that any of these ids had."""
    others, most = 0, 0.0
    for seed in range(rounds):
        logits = (torch.randn(size, generator=torch.Generator().manual_seed(seed)) * 3).to(dtype)
        chances, order = own(logits, sampling)
        mine = torch.zeros_like(chances).scatter(0, order, chances / chances.sum())
        theirs = processors(sampling)(torch.tensor([SEEN]), logits[None].float())[0].softmax(-1)  # type: ignore[arg-type]
        unlike = (mine > 0) != (theirs > 0)
        others += bool(unlike.any())
        most = max(most, float(torch.maximum(mine, theirs)[unlike].sum()))
    return others, most


def milliseconds(choices: list[Callable[[torch.Tensor], int]], inputs: list[torch.Tensor]) -> list[float]:
    """Return each way's least time for a choice: they take turns, and other programs only ever add to it."""
    spent: list[list[float]] = [[] for _ in choices]
    for logits in inputs:
        for choice, times in zip(choices, spent, strict=True):
            started = time.perf_counter()
            choice(logits)
            times.append(1000 * (time.perf_counter() - started))
    return [min(times) for times in spent]


def row(size: int, sampling: Sampling, rounds: int) -> str:
    """Return the numbers of one way of sampling."""
    inputs = [torch.randn(size) * 3 for _ in range(rounds)]
    random = torch.Generator().manual_seed(0)
    ways: list[Callable[[torch.Tensor], int]] = [
        lambda logits: own_choice(logits, sampling, random),
        lambda logits: choose(logits, sampling, random, SEEN),
    ]
    before, after = milliseconds(ways, inputs)
    if sampling.greedy:
        return f"| – | – | {before:.2f} | {after:.2f} |"
    full, half = (compare(size, sampling, rounds, kind) for kind in (torch.float32, torch.bfloat16))
    kept = " | ".join(f"{others} of {rounds}, {most:.0e}" for others, most in (full, half))
    return f"| {kept} | {before:.2f} | {after:.2f} |"


def main() -> None:
    """Print a row for each size of vocabulary and way of sampling."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print("| vocabulary | sampling | other ids, their mass (32 bits) | (16 bits) | own rule, ms | transformers, ms |")
    for name, size in SIZES.items():
        for how, sampling in HOW.items():
            print(f"| {name} | {how} {row(size, sampling, options.rounds)}")


if __name__ == "__main__":
    main()

"""Ways of mixing that `benchmarks.knnlm_search` tries: one thing is changed at a time, from the best so far."""

from dataclasses import dataclass, replace

from kb_server.core.knn_lm import Mixing

RULES = (*(f"fixed {w}" for w in (0.1, 0.25, 0.5, 0.75, 0.9)), *(f"adaptive {c}" for c in (0.25, 0.5, 0.9)), "gate")


@dataclass(frozen=True, slots=True)
class Setting:
    """How to mix: `rule` is "none", "gate" as tuned, "fixed SHARE" or "adaptive CAP" with an optional midpoint.

    `temperature` is in those that were tuned. Neighbours come from the first `passages` found, None for the whole base,
    or from their best `sentences` only; `prompt` passages are in the prompt, 0
    for the best sentence of the first.
    """

    rule: str = "none"
    k: int = 64
    temperature: float = 1.0
    passages: int | None = 20
    sentences: int | None = None
    pointers: bool = True
    prompt: int = 1

    @property
    def name(self) -> str:
        """Say it in a line; settings that are alike have one name."""
        if self.rule == "none":
            return f"prompt {self.prompt}: the model alone"
        place = "whole base" if self.passages is None else f"{self.passages} passages"
        if self.sentences:
            place = f"{self.sentences} sentences of {place}"
        rest = "" if self.pointers else ", no pointers"
        return f"prompt {self.prompt}: {self.rule}, k {self.k}, T x{self.temperature:g}, {place}{rest}"

    def mixing(self, tuned: Mixing) -> Mixing:
        """Return it in the program's terms."""
        kind, *numbers = self.rule.split()
        kernel = Mixing(k=self.k, temperature=self.temperature * tuned.temperature, pointers=self.pointers)
        if kind == "gate":
            return replace(kernel, gate=tuned.gate, cap=tuned.cap)
        if kind == "fixed":
            return replace(kernel, weight=float(numbers[0]))
        cap, midpoint = [*map(float, numbers), kernel.midpoint][:2]
        return replace(kernel, cap=cap, midpoint=midpoint)


ALONE = Setting()
SENTENCE = Setting("fixed 0.25", passages=1, sentences=1)
BEST = replace(SENTENCE, rule="fixed 0.35")  # of stage 2
PLACES = ((1, None), (20, None), (1, 1))  # passages, and their best sentence only
STAGES: dict[int, list[Setting]] = {
    1: [ALONE, *(Setting(rule, passages=passages, sentences=best) for passages, best in PLACES for rule in RULES)],
    2: [
        ALONE,
        *(replace(SENTENCE, passages=p, sentences=n) for p, n in ((1, 1), (1, 2), (1, 3), (3, 1), (3, 2), (20, 3))),
        *(replace(SENTENCE, temperature=t) for t in (0.25, 4.0)),
        *(replace(SENTENCE, k=k) for k in (1, 8)),
        replace(SENTENCE, rule="fixed 0.35"),
        *(replace(SENTENCE, rule=rule, temperature=0.25) for rule in ("fixed 0.5", "adaptive 0.9")),
    ],
    3: [
        ALONE,
        *(replace(BEST, rule=rule) for rule in ("fixed 0.3", "fixed 0.4", "fixed 0.45", "adaptive 0.4")),
        replace(BEST, k=8),
        replace(BEST, pointers=False),
        replace(BEST, passages=3),
        replace(BEST, passages=None, sentences=None),
        replace(ALONE, prompt=3),
        *(replace(BEST, prompt=3, passages=passages) for passages in (1, 3)),
    ],
    4: [replace(ALONE, prompt=0), replace(BEST, prompt=0)],
}

"""Which model and prompt a question of Chatchat's clients gets: they always send names, most of them unknown here."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from kb_server.api.asking import Ask
from kb_server.terms import script

_USUAL = "default"  # what their clients call the prompt that everybody has
_UNKNOWN = {
    "other": "There is no {} '{}' here; the usual one answered.",
    "cjk": "这里没有名为“{1}”的{0}，已按默认设置回答。",
}
_KINDS = {"other": ("model", "prompt"), "cjk": ("模型", "提示词")}


@dataclass(frozen=True, slots=True)
class Named:
    """A question with the model and prompt that are set up here, and what to say of names that are not."""

    ask: Ask
    notes: Sequence[str]


def named(ask: Ask, model: str | None, prompt: str | None, models: Collection[str], prompts: Collection[str]) -> Named:
    """Use the names that are among those set up; a client that sends others is answered as if it had sent none."""
    language = script(ask.question)
    kinds = zip(_KINDS[language], (model, prompt), (models, prompts), strict=True)
    unknown = [(kind, name) for kind, name, known in kinds if name and name != _USUAL and name not in known]
    notes = [_UNKNOWN[language].format(kind, name[:80]) for kind, name in unknown]
    chosen = replace(ask, model=model if model in models else None, prompt=prompt if prompt in prompts else None)
    return Named(chosen, notes)

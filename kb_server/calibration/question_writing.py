"""A language model's wording for questions whose answers are known already.

The model never decides what is true: it gets a passage and the answer, and its question is used only if it is one,
does not hold the answer and shares a word with the passage. Otherwise the question made by rules stays.
"""

from dataclasses import replace

from kb_server.calibration.questions import MadeQuestion
from kb_server.core.answers import Message, Sampling
from kb_server.core.domain import EvalCase
from kb_server.core.ports import Generator
from kb_server.text.terms import script, terms

_ASKED = {
    "other": (
        "You write one short exam question. Do not use the answer's words in it.",
        "Passage: {passage}\n\nAnswer: {answer}\n\nQuestion that the passage answers so:",
    ),
    "cjk": (
        "你负责出一道简短的考题，题目中不能出现答案。",
        "段落：{passage}\n\n答案：{answer}\n\n与该答案对应的问题：",
    ),
}
_SHORT = Sampling(max_tokens=60)
_SHORTEST, _LONGEST = 6, 200


class QuestionWriter:
    """Asks a Generator to put questions in its own words."""

    def __init__(self, generator: Generator) -> None:
        self._generator = generator

    def rewrite(self, made: MadeQuestion) -> EvalCase:
        """Return the case with the model's question and the kind `written`, or as it is if that is no good one."""
        if made.chunk is None or not made.case.answers:
            return made.case
        system, user = _ASKED[script(made.chunk.text)]
        asked = user.format(passage=made.chunk.text, answer=made.case.answers[0])
        messages = [Message("system", system), Message("user", asked)]
        if self._generator.count_tokens(messages) + _SHORT.max_tokens > self._generator.context_window:
            return made.case
        said = "".join(self._generator.stream(messages, _SHORT)).strip()
        question = said.splitlines()[0].strip().strip('"“”') if said else ""
        return replace(made.case, question=question, kind="written") if is_fit(question, made) else made.case


def is_fit(question: str, made: MadeQuestion) -> bool:
    """Tell whether a model's question can stand for the one made by rules."""
    passage = made.chunk.searchable if made.chunk else ""
    is_question = question.endswith(("?", "？")) and _SHORTEST <= len(question) <= _LONGEST
    gives_away = any(answer.casefold() in question.casefold() for answer in made.case.answers)
    return is_question and not gives_away and not set(terms(question)).isdisjoint(terms(passage))

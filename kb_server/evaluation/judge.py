"""A language model's opinion on whether a passage says what an answer states.

It is asked in the statement's language for one word. What is neither yes nor no is no verdict: it is counted as that
and never taken for one of them.
"""

import re

from kb_server.core.answers import Message, Sampling
from kb_server.core.ports import Generator
from kb_server.evaluation.outcomes import Outcome
from kb_server.evaluation.statements import statements
from kb_server.text.terms import script

_ASKED = {
    "other": (
        "You check facts. Answer with one word: yes or no.",
        "Passage:\n{passage}\n\nStatement: {statement}\n\nDoes the passage say what the statement says? yes or no:",
    ),
    "cjk": (
        "你负责核对事实，只用一个字回答：是或否。",
        "段落：\n{passage}\n\n陈述：{statement}\n\n段落是否说了陈述的内容？是或否：",
    ),
}
_VERDICT = re.compile(r"\W*(yes|no|不是|是|否)(?!\w*[a-z]|或?否|\W*or\b)", re.IGNORECASE)  # not the question echoed
_BRIEF = Sampling(max_tokens=8)


class Judge:
    """Asks a Generator whether each statement of an answer stands in the passages it cites."""

    def __init__(self, generator: Generator) -> None:
        self._generator = generator

    def judge(self, outcome: Outcome) -> tuple[bool | None, ...]:
        """Return a verdict for each statement that has a citation, in order."""
        cited = [statement for statement in statements(outcome) if statement.sources]
        return tuple(self._verdict(statement.text, "\n".join(statement.sources)) for statement in cited)

    def _verdict(self, statement: str, passage: str) -> bool | None:
        system, user = _ASKED[script(statement)]
        messages = [Message("system", system), Message("user", user.format(passage=passage, statement=statement))]
        if self._generator.count_tokens(messages) + _BRIEF.max_tokens > self._generator.context_window:
            return None  # cut short, the passage could lack the very sentence
        return verdict("".join(self._generator.stream(messages, _BRIEF)))


def verdict(said: str) -> bool | None:
    """Read a judge's answer by its first word; None if that is not a plain yes or no."""
    found = _VERDICT.match(said)
    return found[1].lower() in ("yes", "是") if found else None

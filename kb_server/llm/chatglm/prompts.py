"""Prompts of the ChatGLM family, made of token ids as the published code makes them."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kb_server.core.answers import Message
from kb_server.core.errors import GenerationFailed
from kb_server.llm.decoding.codec import clean

_FALSE_ROUND = re.compile(r"\[(?=Round \d)")
_FALSE_SPEAKER = re.compile(r"^([问答])：", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class RoleCodec:
    """ChatGLM3 and GLM-4: each turn starts with the id of its role and ends where the next one starts."""

    to_ids: Callable[[str], list[int]]
    to_text: Callable[[Sequence[int]], str]
    prefix: tuple[int, ...]
    roles: dict[str, int]

    def encode(self, messages: Sequence[Message]) -> list[int]:
        """Return the prompt's ids; raises GenerationFailed for a role the model has no id for."""
        ids = list(self.prefix)
        for message in messages:
            ids += [self._role(message.role), *self.to_ids("\n"), *self.encode_content(message.content)]
        return [*ids, self._role("assistant")]

    def encode_content(self, text: str) -> list[int]:
        """Return the ids of plain text; a role's name in it is text."""
        return self.to_ids(clean(text))

    def lead(self) -> list[int]:
        """Return the marks that stand before every text."""
        return list(self.prefix)

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids."""
        return self.to_text(ids)

    def _role(self, role: str) -> int:
        if role not in self.roles:
            raise GenerationFailed(f"This model knows no role '{role}'.", f"Use one of {', '.join(self.roles)}.")
        return self.roles[role]


@dataclass(frozen=True, slots=True)
class RoundCodec:
    """ChatGLM-6B and ChatGLM2: rounds of questions and answers in one text.

    The marks of a round are text themselves, so a content that has them gets them changed a little: `[ Round 2]`, and
    `问:` with a half-width colon at a line's start. There are no system messages; one is put before the first question.
    """

    to_ids: Callable[[str], list[int]]
    to_text: Callable[[Sequence[int]], str]
    first_round: int
    gap: str
    bare_first_question: bool
    prefix: tuple[int, ...] = ()
    suffix: tuple[int, ...] = ()

    def encode(self, messages: Sequence[Message]) -> list[int]:
        """Return the prompt's ids: the marks, and the rounds as one text."""
        return [*self.prefix, *self.to_ids(self.text(messages)), *self.suffix]

    def encode_content(self, text: str) -> list[int]:
        """Return the ids of plain text in which nothing looks like a new round."""
        return self.to_ids(_harmless(text))

    def lead(self) -> list[int]:
        """Return the marks that stand before every text; for ChatGLM-6B those that an answer starts with."""
        return list(self.prefix or self.suffix)

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids."""
        return self.to_text(ids)

    def text(self, messages: Sequence[Message]) -> str:
        """Return the rounds as the model reads them."""
        rounds = _rounds(messages)
        if self.bare_first_question and len(rounds) == 1:
            return rounds[0][0]
        return "".join(self._round(number, *turn) for number, turn in enumerate(rounds, self.first_round)).removesuffix(
            self.gap
        )

    def _round(self, number: int, question: str, answer: str) -> str:
        return f"[Round {number}]{self.gap}问：{question}{self.gap}答：{answer}{self.gap}"


def _rounds(messages: Sequence[Message]) -> list[tuple[str, str]]:
    """Return (question, answer) pairs, the last with an empty answer; what has no question joins the next one."""
    rounds: list[tuple[str, str]] = []
    waiting: list[str] = []
    for message in messages:
        if message.role == "assistant" and waiting:
            rounds.append(("\n\n".join(waiting), _harmless(message.content)))
            waiting = []
        else:
            waiting.append(_harmless(message.content))
    return [*rounds, ("\n\n".join(waiting), "")]


def _harmless(text: str) -> str:
    return _FALSE_SPEAKER.sub(r"\1:", _FALSE_ROUND.sub("[ ", clean(text)))

"""The codec and the end marks of each published layout."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kb_server.core.answers import Message
from kb_server.core.errors import GenerationFailed, ModelNotFound
from kb_server.llm.chatglm.layouts import Layout
from kb_server.llm.chatglm.tokenizer import glm_tokenizer, sentencepiece
from kb_server.llm.decoding.codec import Codec, clean

if TYPE_CHECKING:
    from tokenizers import Tokenizer

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


_LONGEST_BLANK = 80

_BLANKS = re.compile(f" {{2,{_LONGEST_BLANK}}}")

_MARKS = ("[MASK]", "[gMASK]", "[sMASK]", "<sop>", "<eop>", "<pad>", "<s>", "</s>", "<unk>")

_MARK = re.compile("|".join(map(re.escape, _MARKS)))

_BLANK_MARK = re.compile(r"<\|blank_(\d+)\|>")


class IceTokenizer:
    """Text to ids and back, for `ice_text.model` (whose ids are used as they are)."""

    def __init__(self, folder: Path) -> None:
        file = folder / "ice_text.model"
        if not file.is_file():
            raise ModelNotFound(f"The folder '{folder}' has no ice_text.model.", "Download it again.")
        self._vocabulary = sentencepiece(file)
        self.size: int = self._vocabulary.get_piece_size()

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text: line breaks, tabs and runs of spaces are tokens of their own.

        The marks are pieces of this vocabulary: where a text names one, a space behind its first character breaks it.
        """
        harmless = _MARK.sub(lambda mark: f"{mark.group()[0]} {mark.group()[1:]}", text)
        marked = harmless.replace("\n", "<n>").replace("\t", "<|tab|>")
        return list(self._vocabulary.encode(_BLANKS.sub(lambda run: f"<|blank_{len(run.group())}|>", marked)))

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids; those beyond the vocabulary (masks and marks) leave no trace."""
        known = [id_ for id_ in ids if id_ < self.size and self._vocabulary.id_to_piece(id_) not in _MARKS]
        text = str(self._vocabulary.decode(known)).replace("<n>", "\n").replace("<|tab|>", "\t")
        return _BLANK_MARK.sub(lambda mark: " " * min(int(mark.group(1)), _LONGEST_BLANK), text)


_ROLES = ("system", "user", "assistant")


def glm_codec(folder: Path, layout: Layout, gmask: int = 130001, start: int = 130004) -> Codec:
    """Return the codec of a folder; `gmask` and `start` are those of ChatGLM-6B's config."""
    if layout is Layout.CHATGLM:
        ice = IceTokenizer(folder)
        return RoundCodec(ice.encode, ice.decode, 0, "\n", bare_first_question=True, suffix=(gmask, start))
    tokenizer = glm_tokenizer(folder, layout)
    return codec_of(layout, _encoder(tokenizer), _decoder(tokenizer), tokenizer.token_to_id)


def codec_of(
    layout: Layout,
    to_ids: Callable[[str], list[int]],
    to_text: Callable[[Sequence[int]], str],
    id_of: Callable[[str], int | None],
) -> Codec:
    """Return the codec of ChatGLM2, ChatGLM3 or GLM-4 over any tokenizer; `id_of` gives a special token's id."""
    start = "<sop>" if layout is Layout.GLM4 else "sop"
    prefix = (_known(id_of, "[gMASK]"), _known(id_of, start))
    if layout is Layout.CHATGLM2:
        return RoundCodec(to_ids, to_text, 1, "\n\n", bare_first_question=False, prefix=prefix)
    return RoleCodec(to_ids, to_text, prefix, {role: _known(id_of, f"<|{role}|>") for role in _ROLES})


def _known(id_of: Callable[[str], int | None], token: str) -> int:
    found = id_of(token)
    if found is None:
        raise GenerationFailed(
            f"The vocabulary has no token '{token}', which this model's prompts need.", "Download its tokenizer again."
        )
    return found


def _encoder(tokenizer: "Tokenizer") -> Callable[[str], list[int]]:
    return lambda text: list(tokenizer.encode(text, add_special_tokens=False).ids)


def _decoder(tokenizer: "Tokenizer") -> Callable[[Sequence[int]], str]:
    return lambda ids: str(tokenizer.decode(list(ids), skip_special_tokens=True))

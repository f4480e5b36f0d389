"""Between messages, token ids and text: what an engine needs of a model's tokenizer."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol
from uuid import uuid4

from kb_server.core.answers import Message
from kb_server.core.errors import GenerationFailed

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


class Codec(Protocol):
    """Builds prompts from ids, so that nothing in a text becomes a role marker."""

    def encode(self, messages: Sequence[Message]) -> list[int]:
        """Return the prompt's token ids up to where the assistant speaks."""
        ...

    def encode_content(self, text: str) -> list[int]:
        """Return the ids of plain text; none of them is a special token."""
        ...

    def lead(self) -> list[int]:
        """Return what a text by itself starts with for this model; empty if nothing."""
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids; special tokens leave no trace, a broken character becomes U+FFFD."""
        ...


def clean(text: str) -> str:
    """Replace lone surrogates, which no tokenizer takes."""
    return text.encode("utf-8", "replace").decode("utf-8")


_BETWEEN_TEXTS = "<|endoftext|>"  # in GPT-2's, Qwen's, SmolLM's training data; their chat models begin with other marks


class ChatPrompt:
    """Builds prompts with a tokenizer's chat template.

    The template is rendered with placeholders in the place of contents. What the template wrote is encoded with its
    special tokens; each content is encoded apart, so that "<|im_start|>" in a document stays ordinary text.
    """

    def __init__(self, tokenizer: "PreTrainedTokenizerBase") -> None:
        self._tokenizer = tokenizer
        added = tokenizer.added_tokens_decoder.items()
        markers = {id_: token.content for id_, token in added if token.content.strip()}
        markers |= dict(zip(tokenizer.all_special_ids, tokenizer.all_special_tokens, strict=True))
        self._marker_ids = frozenset(markers)
        self.special_ids = frozenset(id_ for id_, token in tokenizer.added_tokens_decoder.items() if token.special)
        self._marker_start = _any_start(markers.values())

    def encode(self, messages: Sequence[Message]) -> list[int]:
        """Return the prompt's token ids up to where the assistant speaks; GenerationFailed without a template."""
        contents = {f"kb{uuid4().hex}": message.content for message in messages}
        rendered = self._render([(m.role, key) for m, key in zip(messages, contents, strict=True)])
        ids: list[int] = []
        for part in _split_at(rendered, list(contents)):
            ids += self.encode_content(contents[part]) if part in contents else self._ids(part)
        return ids

    def encode_content(self, text: str) -> list[int]:
        """Return ids of plain text: none of them is a special token, whatever the text says.

        The unknown mark is special too (in SmolLM2 it is the end of text): what a vocabulary lacks is left out.
        """
        return [id_ for piece in self._unmarked(clean(text)) for id_ in self._ids(piece) if id_ not in self._marker_ids]

    def lead(self) -> list[int]:
        """Return what the tokenizer puts before a text, or the mark that stands between texts."""
        own = list(self._tokenizer("")["input_ids"])
        between = self._tokenizer.get_vocab().get(_BETWEEN_TEXTS)
        marks = (between, self._tokenizer.bos_token_id, self._tokenizer.eos_token_id)
        return own or [mark for mark in marks if mark is not None][:1]

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids; special tokens leave no trace."""
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False))

    def _unmarked(self, text: str) -> Iterator[str]:
        """Cut behind the first character of every marker, so that no piece holds a whole one."""
        start = 0
        for match in self._marker_start.finditer(text):
            yield text[start : match.start() + 1]
            start = match.start() + 1
        yield text[start:]

    def _render(self, turns: list[tuple[str, str]]) -> str:
        from jinja2 import TemplateError

        if not self._tokenizer.chat_template:
            raise GenerationFailed(
                f"The tokenizer of '{self._tokenizer.name_or_path}' has no chat template.",
                "Use an instruct or chat model; a base model cannot tell a question from an answer.",
            )
        conversation = [{"role": role, "content": content} for role, content in turns]
        try:
            return str(self._tokenizer.apply_chat_template(conversation, tokenize=False, add_generation_prompt=True))
        except TemplateError as error:
            raise GenerationFailed(f"The model's chat template refuses this conversation: {error}.") from error

    def _ids(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(text, add_special_tokens=False)) if text else []


def _any_start(markers: Iterable[str]) -> re.Pattern[str]:
    alternatives = "|".join(re.escape(marker) for marker in sorted(set(markers), key=len, reverse=True))
    return re.compile(f"(?={alternatives})") if alternatives else re.compile(r"(?!)")


def _split_at(text: str, keys: list[str]) -> list[str]:
    return re.split(f"({'|'.join(keys)})", text) if keys else [text]

"""Prompts for a model that llama.cpp holds, from its own vocabulary and the chat template in its file."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from kb_server.core.answers import Message
from kb_server.core.errors import GenerationFailed
from kb_server.llm.chatglm.codecs import codec_of
from kb_server.llm.chatglm.layouts import MARK, Layout
from kb_server.llm.decoding.codec import Codec, clean

_TEMPLATE = "tokenizer.chat_template"


@dataclass(frozen=True, slots=True)
class GgufCodec:
    """A codec and the ids that end an answer."""

    codec: Codec
    ends: frozenset[int]

    def encode(self, messages: Sequence[Message]) -> list[int]:
        """Return the prompt's token ids."""
        return self.codec.encode(messages)

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids."""
        return self.codec.decode(ids)


def gguf_codec(model: Any) -> GgufCodec:  # noqa: ANN401 - llama_cpp has no types
    """Return the codec of a loaded model; raises GenerationFailed if its file does not say how prompts are made."""
    words = _Vocabulary(model)
    if layout := model.metadata.get(MARK):
        codec: Codec = codec_of(Layout(layout), words.ids, words.text, words.special)
    elif template := model.metadata.get(_TEMPLATE):
        codec = _TemplateCodec(words, template)
    else:
        raise GenerationFailed(
            f"The GGUF file '{model.model_path}' has no chat template, and guessing one would spoil the answers.",
            "Use a file of a chat model that has one, or one that `kb models convert` made.",
        )
    return GgufCodec(codec, words.ends())


class _Vocabulary:
    """llama.cpp's tokenizer; special tokens are found only where they are asked for."""

    def __init__(self, model: Any) -> None:  # noqa: ANN401 - see above
        self._model = model
        self._size = model.n_vocab()

    def ids(self, text: str, special: bool = False) -> list[int]:
        found = self._model.tokenize(clean(text).encode(), add_bos=False, special=special) if text else []
        return [int(id_) for id_ in found]

    def text(self, ids: Sequence[int]) -> str:
        """Return the text of ids; bytes that are no character yet become U+FFFD."""
        return str(self._model.detokenize(list(ids), special=False).decode("utf-8", "replace"))

    def special(self, token: str) -> int | None:
        """Return the id of a special token by its name."""
        ids = self.ids(token, special=True)
        named = [id_ for id_ in ids if self._shown(id_) == token]
        return named[0] if named else None

    def ends(self) -> frozenset[int]:
        """Return every control token: none of them is part of a text."""
        import llama_cpp

        vocabulary = llama_cpp.llama_model_get_vocab(self._model.model)
        return frozenset(
            id_
            for id_ in range(self._size)
            if llama_cpp.llama_vocab_is_eog(vocabulary, id_) or llama_cpp.llama_vocab_is_control(vocabulary, id_)
        )

    def _shown(self, id_: int) -> str:
        return str(self._model.detokenize([id_], special=True).decode("utf-8", "replace")).strip()


class _TemplateCodec:
    """Renders the file's template around placeholders, and encodes what stands in their places as plain text."""

    def __init__(self, words: _Vocabulary, template: str) -> None:
        from jinja2.sandbox import ImmutableSandboxedEnvironment

        environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
        environment.globals |= {"raise_exception": _refuse, "strftime_now": lambda form: datetime.now().strftime(form)}
        self._template = environment.from_string(template)
        self._words = words

    def encode(self, messages: Sequence[Message]) -> list[int]:
        """Return the prompt's ids; raises GenerationFailed if the template refuses the conversation."""
        contents = {f"kb{uuid4().hex}": message.content for message in messages}
        turns = [{"role": m.role, "content": key} for m, key in zip(messages, contents, strict=True)]
        rendered = self._render(turns)
        ids: list[int] = []
        for part in re.split(f"({'|'.join(contents)})", rendered):
            ids += self.encode_content(contents[part]) if part in contents else self._words.ids(part, special=True)
        return ids

    def encode_content(self, text: str) -> list[int]:
        """Return the ids of plain text."""
        return self._words.ids(text)

    def lead(self) -> list[int]:
        """Return nothing: llama.cpp's models are only asked to answer."""
        return []

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids."""
        return self._words.text(ids)

    def _render(self, turns: list[dict[str, str]]) -> str:
        from jinja2 import TemplateError

        try:
            return str(self._template.render(messages=turns, add_generation_prompt=True, bos_token="", eos_token=""))
        except TemplateError as error:
            raise GenerationFailed(f"The model's chat template refuses this conversation: {error}.") from error


def _refuse(reason: str) -> None:
    from jinja2 import TemplateError

    raise TemplateError(reason)

"""The codec and the end marks of each published layout."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kb_server.core.errors import GenerationFailed, ModelNotFound
from kb_server.llm.chatglm.layouts import Layout
from kb_server.llm.chatglm.prompts import RoleCodec, RoundCodec
from kb_server.llm.chatglm.tokenizer import glm_tokenizer, sentencepiece
from kb_server.llm.decoding.codec import Codec

if TYPE_CHECKING:
    from tokenizers import Tokenizer

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

"""The tokenizer of ChatGLM-6B: SentencePiece over a text in which white space has tokens of its own."""

import re
from collections.abc import Sequence
from pathlib import Path

from kb_server.errors import ModelNotFound
from kb_server.generation.glm.tokenizer import sentencepiece

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

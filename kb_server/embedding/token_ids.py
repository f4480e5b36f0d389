"""Text to the numbers of its tokens, cut at a model's length: with the tokenizers library, or with SentencePiece."""

import json
import shutil
import struct
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from kb_server.core.errors import MissingExtra

if TYPE_CHECKING:
    from tokenizers import Tokenizer

TOKENIZER, PIECES = "tokenizer.json", "pieces.model"

_START, _END, _UNKNOWN = 0, 2, 3  # of every XLM-RoBERTa

INSTALL = "Run: pip install 'kb-server[embed]'"


_SPECIALS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")

_OPENING = {"SpecialToken": {"id": "<s>", "type_id": 0}}
_CLOSING = {"SpecialToken": {"id": "</s>", "type_id": 0}}
_FIRST, _SECOND = {"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}

_POST_PROCESSOR = {
    "type": "TemplateProcessing",
    "single": [_OPENING, _FIRST, _CLOSING],
    "pair": [_OPENING, _FIRST, _CLOSING, _CLOSING, _SECOND, _CLOSING],
    "special_tokens": {
        "<s>": {"id": "<s>", "ids": [0], "tokens": ["<s>"]},
        "</s>": {"id": "</s>", "ids": [2], "tokens": ["</s>"]},
    },
}


class TokenIds(Protocol):
    """A tokenizer as an engine needs it; threads may share one."""

    @property
    def limit(self) -> int:
        """The longest text in tokens; the rest is cut off."""
        ...

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the numbers of each text's tokens, marks of its start and end included, cut at the model's length."""
        ...

    def save(self, folder: Path) -> None:
        """Write what `read_token_ids` reads."""
        ...


class HubTokenIds:
    """A tokenizer.json, whose own padding and length do not count."""

    def __init__(self, tokenizer: "Tokenizer", limit: int) -> None:
        tokenizer.no_padding()
        tokenizer.enable_truncation(limit)
        self._tokenizer = tokenizer
        self.limit = limit

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """See `TokenIds.encode`."""
        return [encoding.ids for encoding in self._tokenizer.encode_batch_fast(list(texts))]

    def save(self, folder: Path) -> None:
        """See `TokenIds.save`."""
        self._tokenizer.save(str(folder / TOKENIZER))


class PieceTokenIds:
    """The pieces of an XLM-RoBERTa in SentencePiece.

    250,000 pieces take 40 MB here; as a tokenizer.json they take 280 MB and several times as long.
    """

    def __init__(self, file: Path, limit: int) -> None:
        try:
            from sentencepiece import SentencePieceProcessor
        except ImportError as error:
            raise MissingExtra("This model's tokenizer needs the package 'sentencepiece'.", INSTALL) from error
        self._file = file
        self.limit = limit
        self._pieces: Any = SentencePieceProcessor(model_file=str(file))

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """See `TokenIds.encode`."""
        found = self._pieces.encode(list(texts), out_type=int)
        return [[_START, *(piece + 1 if piece else _UNKNOWN for piece in ids[: self.limit - 2]), _END] for ids in found]

    def save(self, folder: Path) -> None:
        """See `TokenIds.save`."""
        shutil.copyfile(self._file, folder / PIECES)


def read_token_ids(folder: Path, limit: int) -> TokenIds:
    """Return the tokenizer of a model's folder, or of what `save` wrote."""
    if (folder / PIECES).is_file():
        return PieceTokenIds(folder / PIECES, limit)
    from tokenizers import Tokenizer

    return HubTokenIds(Tokenizer.from_str((folder / TOKENIZER).read_text("utf-8")), limit)


def write_pieces(pieces: Sequence[str], scores: Iterable[float], normalised: Mapping[str, str], path: Path) -> None:
    """Write the pieces of an XLM-RoBERTa as SentencePiece reads them: a message of protobuf.

    `normalised` says what single code points become; sequences become what SentencePiece's usual rules say. As in every
    XLM-RoBERTa the ids are those of the tokenizer less one: <unk>, <s>, </s>, then the pieces from the fifth on;
    `<mask>`, the last, is none. Raises MissingExtra.
    """
    said = bytearray()
    for piece, score, kind in (("<unk>", 0.0, 2), ("<s>", 0.0, 3), ("</s>", 0.0, 3)):
        said += _field(1, _piece(piece, score, kind))
    for piece, score in zip(pieces[4:-1], [*scores][4:-1], strict=True):
        said += _field(1, _piece(piece, float(score), 1))
    path.write_bytes(bytes(said + _field(3, _normaliser(normalised, path.parent))))


def _piece(piece: str, score: float, kind: int) -> bytes:
    return _field(1, piece.encode()) + b"\x15" + struct.pack("<f", score) + b"\x18" + _varint(kind)


def _normaliser(by_code_point: Mapping[str, str], folder: Path) -> bytes:
    try:
        import sentencepiece
    except ImportError as error:
        raise MissingExtra("The multilingual model needs the package 'sentencepiece'.", INSTALL) from error
    sentencepiece.set_min_log_level(2)
    usual = sentencepiece.SentencePieceNormalizer(rule_name="nmt_nfkc").Decompile()
    rules = {**{before: after for before, after in usual if len(before) > 1}, **by_code_point}
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".tsv", dir=folder) as table:
        for before, after in sorted(rules.items()):
            table.write(f"{_code_points(before)}\t{_code_points(after)}\n")
        table.flush()
        compiled = sentencepiece.SentencePieceNormalizer(
            rule_tsv=table.name, add_dummy_prefix=True, escape_whitespaces=True, remove_extra_whitespaces=True
        )
        made: bytes = compiled.serialized_normalizer_spec()
        return made.removesuffix(_field(6, table.name.encode()))


def _code_points(text: str) -> str:
    return " ".join(f"{ord(letter):X}" for letter in text)


def _field(number: int, content: bytes) -> bytes:
    """Return a field of bytes as protobuf writes it."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    made = bytearray()
    while value > 127:
        made.append(value & 127 | 128)
        value >>= 7
    return bytes([*made, value])


def write_tokenizer(pieces: Sequence[str], scores: Iterable[float], path: Path) -> None:
    """Write the same tokenizer for transformers, always to the same bytes: they are part of the fingerprint.

    NFKC after Nmt does to single code points what those rules say, but for the full-width tilde, which stays.
    """
    tilde, aside = {"String": "～"}, {"String": "\ue000"}
    blanks = {"replacement": "▁", "prepend_scheme": "always", "split": True}
    normaliser = [
        {"type": "Nmt"},
        {"type": "Replace", "pattern": tilde, "content": "\ue000"},
        {"type": "NFKC"},
        {"type": "Replace", "pattern": aside, "content": "～"},
        {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "},
        {"type": "Strip", "strip_left": True, "strip_right": True},
    ]
    scored = [[piece, float(score)] for piece, score in zip(pieces, scores, strict=True)]
    said = {
        "version": "1.0",
        "added_tokens": [_special(token, pieces.index(token)) for token in _SPECIALS],
        "normalizer": {"type": "Sequence", "normalizers": normaliser},
        "pre_tokenizer": {"type": "Metaspace", **blanks},
        "post_processor": _POST_PROCESSOR,
        "decoder": {"type": "Metaspace", **blanks},
        "model": {"type": "Unigram", "unk_id": _UNKNOWN, "vocab": scored, "byte_fallback": False},
    }
    path.write_text(json.dumps(said, ensure_ascii=False), "utf-8")


def _special(token: str, number: int) -> dict[str, Any]:
    where = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    return {"id": number, "content": token, "special": True, **where}

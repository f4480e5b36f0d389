"""ChatGLM's tokenizers, built from the published vocabulary files.

ChatGLM2 and 3 have SentencePiece BPE; the same pieces as a BPE of the `tokenizers` package give the same ids
(LlamaTokenizer does not: it knows another normalization). GLM-4 has a list of byte sequences ranked by merge order, as
tiktoken has. Special tokens have fixed ids behind the vocabulary and never come from text.
"""

import base64
import binascii
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from kb_server.core.errors import GenerationFailed, MissingExtra, ModelNotFound
from kb_server.llm.chatglm.layouts import Layout

if TYPE_CHECKING:
    from sentencepiece import SentencePieceProcessor
    from tokenizers import Tokenizer

_MASKS = ("[MASK]", "[gMASK]", "[sMASK]")
_ROLES = ("<|system|>", "<|user|>", "<|assistant|>", "<|observation|>")
_MEDIA = ("<|begin_of_image|>", "<|end_of_image|>", "<|begin_of_video|>", "<|end_of_video|>")
SPECIALS: Mapping[Layout, tuple[str, ...]] = {
    Layout.CHATGLM2: (*_MASKS, "sop", "eop"),
    Layout.CHATGLM3: (*_MASKS, "sop", "eop", *_ROLES),
    Layout.GLM4: ("<|endoftext|>", *_MASKS, "<sop>", "<eop>", *_ROLES, *_MEDIA),
}
_SPACE = "\u2581"
_GLM4_WORDS = "|".join(
    (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)",
        r"[^\r\n\p{L}\p{N}]?\p{L}+",
        r"\p{N}{1,3}",
        r" ?[^\s\p{L}\p{N}]+[\r\n]*",
        r"\s*[\r\n]+",
        r"\s+(?!\S)",
        r"\s+",
    )
)


def glm_tokenizer(folder: Path, layout: Layout) -> "Tokenizer":
    """Return the tokenizer of a ChatGLM2, ChatGLM3 or GLM-4 folder.

    A folder that was converted has it as tokenizer.json; a published one has tokenizer.model. Raises ModelNotFound if
    both are missing, GenerationFailed if the file is not a vocabulary.
    """
    from tokenizers import Tokenizer

    converted, published = folder / "tokenizer.json", folder / "tokenizer.model"
    if converted.is_file():
        made: Tokenizer = Tokenizer.from_file(str(converted))
    elif not published.is_file():
        raise ModelNotFound(f"The folder '{folder}' has no tokenizer.model.", "Download it again.")
    else:
        made = _ranked(published) if layout is Layout.GLM4 else _pieces(sentencepiece(published))
        made.add_special_tokens(list(SPECIALS[layout]))
    made.encode_special_tokens = True  # a special token's name in a text is text
    return made


def sentencepiece(file: Path) -> "SentencePieceProcessor":
    """Open a SentencePiece vocabulary; raises GenerationFailed if the file is something else."""
    try:
        from sentencepiece import SentencePieceProcessor
    except ImportError as error:
        raise MissingExtra(
            f"ChatGLM's vocabulary needs the package '{error.name}'.", "Run: pip install 'kb-server[generate]'"
        ) from error
    try:
        return SentencePieceProcessor(model_file=str(file))
    except (RuntimeError, OSError) as error:
        raise GenerationFailed(
            f"The vocabulary '{file}' cannot be read: it is not a SentencePiece model.", "Download it again."
        ) from error


def _pieces(vocabulary: "SentencePieceProcessor") -> "Tokenizer":
    """Build a BPE from pieces and scores: two pieces merge if they make a third, the best-scored third first."""
    from tokenizers import Tokenizer, decoders, models, normalizers

    ids = {vocabulary.id_to_piece(number): number for number in range(vocabulary.get_piece_size())}
    ranked = sorted(_merges(vocabulary, ids), key=lambda merge: merge[0])
    bpe = models.BPE(
        vocab=ids,
        merges=[(left, right) for _, left, right in ranked],
        unk_token=vocabulary.id_to_piece(vocabulary.unk_id()),
        fuse_unk=True,
        byte_fallback=True,
    )
    made = Tokenizer(bpe)
    made.normalizer = normalizers.Sequence([normalizers.Prepend(_SPACE), normalizers.Replace(" ", _SPACE)])
    made.decoder = decoders.Sequence(
        [decoders.Replace(_SPACE, " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    return made


def _merges(
    vocabulary: "SentencePieceProcessor", ids: Mapping[str, int]
) -> Iterator[tuple[tuple[float, int, int], str, str]]:
    for piece, number in ids.items():
        if vocabulary.is_byte(number) or vocabulary.is_control(number) or vocabulary.is_unknown(number):
            continue
        score = vocabulary.get_score(number)
        for cut in range(1, len(piece)):
            left, right = piece[:cut], piece[cut:]
            if left in ids and right in ids:
                yield (-score, ids[left], ids[right]), left, right


def _ranked(file: Path) -> "Tokenizer":
    """Build a byte-level BPE from lines of base64 bytes and rank."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers

    ranks = _read_ranks(file)
    alphabet = _byte_characters()
    spelled = {bytes_: "".join(alphabet[byte] for byte in bytes_) for bytes_ in ranks}
    merges = [
        (spelled[bytes_[:cut]], spelled[bytes_[cut:]])
        for bytes_ in sorted(ranks, key=ranks.__getitem__)
        for cut in _cuts(bytes_, ranks)
    ]
    made = Tokenizer(models.BPE(vocab={spelled[b]: rank for b, rank in ranks.items()}, merges=merges))
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_GLM4_WORDS), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    made.decoder = decoders.ByteLevel()
    return made


def _cuts(token: bytes, ranks: Mapping[bytes, int]) -> list[int]:
    """Return where a token may be cut into two of the vocabulary, the earlier-learnt left part first."""
    found = [cut for cut in range(1, len(token)) if token[:cut] in ranks and token[cut:] in ranks]
    return sorted(found, key=lambda cut: (ranks[token[:cut]], ranks[token[cut:]]))


def _read_ranks(file: Path) -> dict[bytes, int]:
    try:
        lines = [line.split() for line in file.read_bytes().splitlines() if line]
        return {base64.b64decode(token, validate=True): int(rank) for token, rank in lines}
    except (ValueError, binascii.Error, OSError) as error:
        raise GenerationFailed(
            f"The vocabulary '{file}' is not a list of ranked byte sequences: {error}.", "Download it again."
        ) from error


def _byte_characters() -> list[str]:
    """Return the visible character that stands for each byte in a byte-level BPE (GPT-2's table)."""
    shown = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = iter(range(0x100, 0x200))
    return [chr(byte) if byte in shown else chr(next(hidden)) for byte in range(256)]

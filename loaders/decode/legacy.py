"""Encodings from before Unicode, told from each other by the text that they give."""

import re

from charset_normalizer import from_bytes

from loaders.decode.script_frequency import plausibility

_MULTIBYTE = (  # in order of preference where two fit equally
    ("gb18030", "simplified"),
    ("big5hkscs", "traditional"),
    ("cp932", "japanese"),
    ("euc_jp", "japanese"),
    ("cp949", "korean"),
    ("utf-16-le", "any"),
    ("utf-16-be", "any"),
)
_SINGLE_BYTE = [
    "cp1252", "iso8859_2", "cp1250", "cp1251", "koi8_r", "cp866", "cp1253", "cp1254", "cp1255", "cp1256", "cp874",
]  # fmt: skip
_ACCEPTED = 0.45
_ACCEPTED_UTF16 = 0.75  # any two bytes are a character of it
_SAMPLE = 1 << 16
_FEW = 40
_SIGN_IN_WORD = re.compile(r"[^\W\d_][¹³¿¼¾£¥ª¯±µ¶][^\W\d_]")


def best_multibyte(data: bytes) -> str | None:
    """Return the text in the East Asian encoding that gives the commonest characters, if any gives common ones."""
    scored = [(score, encoding) for encoding, language in _MULTIBYTE if (score := _score(data, encoding, language))]
    for score, encoding in sorted(scored, key=lambda pair: -pair[0]):
        if score < (_ACCEPTED_UTF16 if encoding.startswith("utf-16") else _ACCEPTED):
            continue
        text = _whole(data, encoding)
        if text is not None:
            return text
    return None


def single_byte(data: bytes) -> str:
    """Return the text in a single-byte encoding: what charset-normalizer finds, for little evidence cp1252."""
    high = sum(byte > 0x7F for byte in data[:_SAMPLE])
    western = _western(data)
    if high < _FEW and high * 2 < len(data) and not _SIGN_IN_WORD.search(western):
        return western
    match = from_bytes(data[:_SAMPLE], cp_isolation=_SINGLE_BYTE).best()
    return western if match is None else data.decode(match.encoding, "replace")


def _western(data: bytes) -> str:
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _score(data: bytes, encoding: str, language: str) -> float:
    """Judge a sample that ends at a line where possible, lest it be cut within a character."""
    if encoding.startswith("utf-16") and len(data) % 2:
        return 0.0
    sample = data[:_SAMPLE]
    if len(data) > _SAMPLE and not encoding.startswith("utf-16"):
        sample = sample[: sample.rfind(b"\n") + 1] or sample
    text = sample.decode(encoding, "replace")
    bad = text.count("\ufffd")
    return 0.0 if bad * 100 > len(text) else plausibility(text, language)


def _whole(data: bytes, encoding: str) -> str | None:
    """Decode all, leaving out a few damaged characters."""
    text = data.decode(encoding, "replace")
    bad = text.count("\ufffd")
    return None if bad * 100 > len(text) else text.replace("\ufffd", "")

"""Bytes -> text, when nobody says how the text was encoded."""

import codecs
import re
from collections.abc import Iterable

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

_LEGACY_SAMPLE = 1 << 16

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
    high = sum(byte > 0x7F for byte in data[:_LEGACY_SAMPLE])
    western = _western(data)
    if high < _FEW and high * 2 < len(data) and not _SIGN_IN_WORD.search(western):
        return western
    match = from_bytes(data[:_LEGACY_SAMPLE], cp_isolation=_SINGLE_BYTE).best()
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
    sample = data[:_LEGACY_SAMPLE]
    if len(data) > _LEGACY_SAMPLE and not encoding.startswith("utf-16"):
        sample = sample[: sample.rfind(b"\n") + 1] or sample
    text = sample.decode(encoding, "replace")
    bad = text.count("\ufffd")
    return 0.0 if bad * 100 > len(text) else plausibility(text, language)


def _whole(data: bytes, encoding: str) -> str | None:
    """Decode all, leaving out a few damaged characters."""
    text = data.decode(encoding, "replace")
    bad = text.count("\ufffd")
    return None if bad * 100 > len(text) else text.replace("\ufffd", "")


_BOMS = (  # UTF-32's little-endian mark begins with UTF-16's
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

_WIDE = ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be")

_ALIASES = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "iso-8859-1": "cp1252",
    "latin-1": "cp1252",
    "us-ascii": "cp1252",
    "shift_jis": "cp932",
    "euc-kr": "cp949",
    "big5": "big5hkscs",
}

_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")

_RARE = re.compile("[\u0250-\u036f\u0483-\u0489\u0591-\u05cf\u0700-\u07ff]")

_MOST_CONTROLS = 0.02

_MOST_CONTROLS_IN_UTF8 = 0.1  # that is a proof by itself; logs of programs that crashed have NULs by the thousand

_SAMPLE = 1 << 16


class Undecodable(ValueError):
    """The bytes are no text in any encoding we know."""


def decode(data: bytes, declared: str | None = None, *, partial: bool = False) -> str:
    """Return the text without its byte-order mark; raises Undecodable for binary data.

    Order: byte-order mark, UTF-16 and UTF-32 by their NULs, strict UTF-8, `declared` (what an HTML page says of
    itself), the East Asian encoding whose text looks most like language, UTF-8 with a few bad bytes, a single-byte
    encoding. `partial` says that the data is the beginning of a file, perhaps cut within a character.
    """
    marked = next(((mark, encoding) for mark, encoding in _BOMS if data.startswith(mark)), None)
    if marked:
        return data[len(marked[0]) :].decode(marked[1], "ignore")
    if b"\0" in data or _has_controls(data):
        return _decode_wide(data)
    text = _decode_utf8(data, partial=partial)
    return text if text is not None and not _is_unlikely(text) else _guess(data, declared, text)


def _guess(data: bytes, declared: str | None, text: str | None) -> str:
    return _decode_declared(data, declared) or best_multibyte(data) or text or _decode_rest(data)


def _decode_wide(data: bytes) -> str:
    """Text in 8-bit encodings has no NULs and few controls; UTF-16 and UTF-32 have them in every blank and line end."""
    wide = _most_plausible(data[: len(data) & ~3], _WIDE[:2]) or _most_plausible(data[: len(data) & ~1], _WIDE[2:])
    if wide and _wide_plausibility(wide) > 0.5:
        return wide
    bare = data.replace(b"\0", b"")
    text = _strict(bare, "utf-8")
    if text is None or _has_controls(bare, _MOST_CONTROLS_IN_UTF8):
        raise Undecodable
    return text


def _most_plausible(data: bytes, encodings: Iterable[str]) -> str:
    texts = (_strict(data, encoding) for encoding in encodings)
    return max(filter(None, texts), key=_wide_plausibility, default="")


def _has_controls(data: bytes, most: float = _MOST_CONTROLS) -> bool:
    sample = data[:_SAMPLE]
    return len(_CONTROL.findall(sample)) > most * len(sample) + 1


def _wide_plausibility(text: str) -> float:
    return plausibility(text[:_SAMPLE], "any")


def _decode_utf8(data: bytes, *, partial: bool) -> str | None:
    text = codecs.getincrementaldecoder("utf-8")("strict")
    try:
        decoded = text.decode(data, final=not partial)
    except UnicodeDecodeError:
        return _decode_surrogates(data)
    return _strict(data, "iso2022_jp") or decoded if b"\x1b$" in data else decoded


def _decode_surrogates(data: bytes) -> str | None:
    """Read UTF-8 in which pairs of surrogates, or halves of them, are written as if they were characters."""
    try:
        halves = data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return None
    return halves.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")


def _decode_declared(data: bytes, declared: str | None) -> str | None:
    if declared is None:
        return None
    name = declared.strip().lower()
    try:
        codec = codecs.lookup(_ALIASES.get(name, name))
        return codec.decode(data, "strict")[0] if codec._is_text_encoding else None
    except (LookupError, ValueError):
        return None


def _is_unlikely(text: str) -> bool:
    """Tell whether UTF-8 may be an accident: some Chinese words in GBK are phonetic signs and accents in it."""
    return len(text) < _SAMPLE and _RARE.search(text) is not None and max(text) < "\u0800"


def _decode_rest(data: bytes) -> str:
    lenient = data.decode("utf-8", "replace")
    bad = lenient.count("\ufffd")
    if bad * 10 < sum(character > "\x7f" for character in lenient):
        return lenient.replace("\ufffd", "")
    return single_byte(data)


def _strict(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None

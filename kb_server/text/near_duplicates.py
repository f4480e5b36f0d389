"""Texts that say the same words, found among many without comparing each with each.

Broder 1997, "On the resemblance and containment of documents": the least hash of a text's shingles is that of another
one's with a probability of their Jaccard similarity (MinHash). Four such hashes make a key, and texts that share one of
four keys are compared word by word: a pair of similarity .9 meets with a probability of .99, one of .5 with .23. A
fifth key is of all words, so that the same words always meet, however many texts are alike.
"""

import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Sequence
from hashlib import blake2b

import numpy as np

from kb_server.text.characters import CJK_LETTERS

_WORD = re.compile(rf"[{CJK_LETTERS}]|[^\W_{CJK_LETTERS}]+|(?<!\w)-(?=\d)|[+*/%<>=~^&|#@$€£¥°±×÷≤≥≠]")
_DECISIVE = re.compile(
    r"\d|[^\w]|^(?:not|no|nor|never|none|without|cannot|t|except|unless|[不无無非未没沒勿莫否別别除零〇一二两三四五六七八九十百千万亿])$"
)
_SHINGLE = 3  # words
_KEYS, _HASHES = 4, 4
_MOST_MORE = 0.1  # of the words of the longer text
_MERGED_AT = 1 << 16
_MOST_CANDIDATES = 20

_ODD = np.array(
    [int.from_bytes(blake2b(b"likeness %d" % i, digest_size=8).digest(), "big") | 1 for i in range(_KEYS * _HASHES)],
    np.uint64,
)


def words(text: str) -> list[str]:
    """Return the words of a text in order; case, width, line breaks and punctuation of sentences do not matter.

    Each Chinese character counts as a word, and so does a sign that means something: -5 is not 5, nor is < a >.
    """
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def keys(said: Sequence[str]) -> tuple[int, ...]:
    """Return the five 64-bit keys of a text's words; none where it has no words."""
    if not said:
        return ()
    last = max(len(said) - _SHINGLE, 0)
    shingles = {zlib.crc32("\n".join(said[i : i + _SHINGLE]).encode()) for i in range(last + 1)}
    hashed = np.fromiter(shingles, np.uint64, len(shingles))
    least = ((hashed[None, :] * _ODD[:, None]) >> np.uint64(32)).min(1).astype(">u4").reshape(_KEYS, _HASHES)
    keyed = ["\n".join(said).encode(), *(row.tobytes() for row in least)]
    return tuple(_digest(data, b"%d" % number) for number, data in enumerate(keyed))


def _digest(data: bytes, salt: bytes) -> int:
    return int.from_bytes(blake2b(data, digest_size=8, salt=salt).digest(), "big", signed=True)


def says_all_of(original: Sequence[str], copy: Sequence[str]) -> bool:
    """Tell whether a text has all words of another in the same order, and hardly any more.

    What it has more is at most a tenth of its words, and no number, sign or negation.
    """
    if not len(copy) <= len(original) or len(original) - len(copy) > _MOST_MORE * len(original):
        return False
    waiting = iter(copy)
    wanted = next(waiting, None)
    for word in original:
        if word == wanted:
            wanted = next(waiting, None)
        elif _DECISIVE.search(word):
            return False
    return wanted is None


class Buckets:
    """Ids by the keys of their texts; some 80 bytes an id, so that millions fit into memory."""

    def __init__(self) -> None:
        self._keys = np.empty(0, np.int64)  # in order
        self._ids = np.empty(0, np.int64)
        self._new: dict[int, list[int]] = {}

    def add(self, id_: int, keys_: Sequence[int]) -> None:
        """Put an id under its keys."""
        for key in keys_:
            self._new.setdefault(key, []).append(id_)
        if len(self._new) >= _MERGED_AT:
            self._merge()

    def candidates(self, keys_: Sequence[int]) -> list[int]:
        """Return ids that share a key, those of the same words first, then those that share most; twenty at most."""
        found = [self._under(key) for key in keys_]
        counts = Counter(id_ for ids in found for id_ in ids)
        same = set(found[0]) if found else set()
        return sorted(counts, key=lambda id_: (id_ not in same, -counts[id_], id_))[:_MOST_CANDIDATES]

    def _under(self, key: int) -> list[int]:
        low, high = (int(np.searchsorted(self._keys, key, side)) for side in ("left", "right"))
        merged = self._ids[low : min(high, low + _MOST_CANDIDATES)].tolist()
        return [*merged, *self._new.get(key, ())[:_MOST_CANDIDATES]]

    def _merge(self) -> None:
        new = [(key, id_) for key, ids in self._new.items() for id_ in ids]
        keys_ = np.concatenate([self._keys, np.array([key for key, _ in new], np.int64)])
        ids = np.concatenate([self._ids, np.array([id_ for _, id_ in new], np.int64)])
        order = np.argsort(keys_, kind="stable")
        self._keys, self._ids = keys_[order], ids[order]
        self._new = {}

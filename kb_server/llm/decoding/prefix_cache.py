"""Keys and values of prompts that were read, so that a prompt that begins alike is read from where it differs."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from transformers import DynamicCache


def pairs_of(cache: object) -> "list[tuple[torch.Tensor, torch.Tensor]] | None":
    """Return a cache's keys and values [1, heads, tokens, size] by layer; None for one that is not plain.

    Plain means that every layer keeps all tokens: sliding windows and states of recurrent layers cannot be cut.
    """
    from transformers import DynamicCache
    from transformers.cache_utils import DynamicLayer

    if type(cache) is not DynamicCache:
        return None
    plain = [layer for layer in cache.layers if type(layer) is DynamicLayer]
    pairs = [(layer.keys, layer.values) for layer in plain if layer.keys is not None and layer.values is not None]
    return pairs if len(pairs) == len(cache.layers) else None


def cache_of(pairs: "Sequence[tuple[torch.Tensor, torch.Tensor]]") -> "DynamicCache":
    """Return a cache that holds these keys and values; they are shared, since a cache never writes into them."""
    from transformers import DynamicCache

    return DynamicCache(list(pairs))


class PrefixCache:
    """The last prompts' keys and values, up to `limit` bytes together; the one unused longest goes first."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept: OrderedDict[tuple[int, ...], list[tuple[torch.Tensor, torch.Tensor]]] = OrderedDict()
        self._lock = threading.Lock()

    def longest(self, ids: Sequence[int]) -> "tuple[int, list[tuple[torch.Tensor, torch.Tensor]]]":
        """Return how many of a prompt's first ids are known, and their keys and values; never the last id."""
        with self._lock:
            known = max(self._kept, key=lambda kept: _common(kept, ids), default=())
            length = min(_common(known, ids), len(ids) - 1)
            if not length:
                return 0, []
            self._kept.move_to_end(known)
            return length, [(keys[:, :, :length], values[:, :, :length]) for keys, values in self._kept[known]]

    def keep(self, ids: Sequence[int], pairs: "list[tuple[torch.Tensor, torch.Tensor]]") -> None:
        """Remember a prompt; those that are its beginning are let go, and the oldest beyond the limit."""
        with self._lock:
            new = tuple(ids)
            for kept in [kept for kept in self._kept if new[: len(kept)] == kept]:
                del self._kept[kept]
            self._kept[new] = pairs
            while self._kept and sum(map(_size, self._kept.values())) > self._limit:
                self._kept.popitem(last=False)


def _common(first: Sequence[int], second: Sequence[int]) -> int:
    return next(
        (i for i, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), min(len(first), len(second))
    )


def _size(pairs: "list[tuple[torch.Tensor, torch.Tensor]]") -> int:
    return sum(tensor.untyped_storage().nbytes() for pair in pairs for tensor in pair)

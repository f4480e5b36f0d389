"""What kNN-LM is worth on a base: tuning on text held out of its own, and perplexity with controls."""

import zlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np

from kb_server.core.errors import UsageError
from kb_server.core.knn_lm import KnnAsk, Mixing
from kb_server.knnlm.datastore.index import search_of
from kb_server.knnlm.datastore.store import Active, Datastore
from kb_server.knnlm.interpolation import Floats, Ints, shares
from kb_server.knnlm.knn_lm import KnnLm
from kb_server.knnlm.perplexity import Reading, Scored, interpolated, joined, mixed, perplexity, read, scored
from kb_server.knnlm.search import KeySearch
from kb_server.knnlm.tune import COUNTS, guarded, tuned

UNRELATED = """\
昨天下午，市气象台发布大风蓝色预警，预计今晚到明天白天有五到六级偏北风，阵风可达八级。气象台提醒市民出行注意防风，收好阳台上的物品。
受冷空气影响，周末最低气温将降至零下三度，各区已经安排人员检查供暖设施，并为户外工作者准备了热水和休息点。

Whisk the eggs with the sugar until pale, fold in the flour a spoonful at a time, and bake for forty minutes. Let the \
cake cool in its tin, then turn it out and spread the jam while it is still a little warm.

def merge(left, right):
    \"\"\"Merge two sorted lists.\"\"\"
    found = []
    while left and right:
        found.append(left.pop(0) if left[0] <= right[0] else right.pop(0))
    return found + left + right


class Stack:
    def __init__(self, limit=None):
        self._items = []
        self._limit = limit

    def push(self, item):
        if self._limit is not None and len(self._items) >= self._limit:
            raise OverflowError(f"more than {self._limit} items")
        self._items.append(item)

公司公布的第三季度财报显示，营业收入同比增长百分之十二，净利润略有下降，主要原因是原材料价格上涨。分析师认为，随着新工厂投产，
明年的毛利率有望回升。消息公布后，该公司股价当天上涨百分之二点三。

Le train de nuit part à vingt-deux heures et arrive le lendemain matin. Les billets se prennent au guichet ou sur \
place, et les enfants de moins de six ans voyagent gratuitement s'ils n'occupent pas de siège.

SELECT city, COUNT(*) AS orders, SUM(total) FROM sales WHERE day >= '2024-01-01' GROUP BY city ORDER BY orders DESC;

for (let i = 0; i < rows.length; i += 1) {
  const cell = rows[i].querySelector('td.price');
  if (cell !== null) cell.textContent = Number(cell.dataset.cents / 100).toFixed(2);
}

"I don't think she heard you," he whispered, and put the lamp back on the pool. Outside, somebody was laughing.
"""

_ORDER = 3  # the cache looks at two tokens before

_WEIGHTS = (0.05, 0.1, 0.2, 0.3, 0.5)


def shuffled_values(text: Scored, store_tokens: Ints) -> Scored:
    """Keep each key's distance and give it the token of another: one permutation of all values of the store."""
    other = dict(zip(np.unique(store_tokens).tolist(), _permuted(np.unique(store_tokens)).tolist(), strict=True))
    found = np.vectorize(lambda token: other.get(int(token), -1), otypes=[np.int64])(text.found)
    return replace(text, found=found)


def random_neighbours(text: Scored, store_tokens: Ints) -> Scored:
    """Keep the distances and take the values of any rows of the store."""
    rows = np.random.default_rng(0).integers(0, len(store_tokens), text.found.shape)
    return replace(text, found=store_tokens[rows])


def cache_probabilities(tokens: Ints, stored: Ints) -> Floats:
    """Return for each token of a text how often it followed its longest context of up to two tokens in the store."""
    counts: list[dict[tuple[int, ...], Counter[int]]] = [defaultdict(Counter) for _ in range(_ORDER)]
    values = stored.tolist()
    for place, token in enumerate(values):
        for length in range(min(_ORDER, place + 1)):
            counts[length][tuple(values[place - length : place])][token] += 1
    read = tokens.tolist()
    return np.array([_chance(counts, read, place) for place in range(len(read))])


def best_cache(own: Floats, probabilities: Floats) -> float:
    """Return the share of the cache that does best on a text."""
    return max(_WEIGHTS, key=lambda weight: float(interpolated(own, probabilities, weight).mean()))


def _permuted(values: Ints) -> Ints:
    return np.random.default_rng(0).permutation(values)


def _chance(counts: list[dict[tuple[int, ...], Counter[int]]], read: list[int], place: int) -> float:
    for length in range(min(_ORDER - 1, place), -1, -1):
        followed = counts[length].get(tuple(read[place - length : place]))
        if followed:
            return followed[read[place]] / followed.total()
    return 0.0


_SHARE = 10  # a tenth of the base tunes, another tenth judges

_SEEN = {"0": (0, 0), "1-9": (1, 9), "10-99": (10, 99), "100+": (100, None)}

_GRAM = 5


@dataclass(frozen=True, slots=True)
class KnnTuning:
    """The best mixing; perplexity of the held-out text by the model, with it, and with the best fixed share.

    `free` is without regard to unrelated text; `unrelated` is kNN over base for text that the base has nothing of.
    """

    mixing: Mixing
    tokens: int
    base: float
    knn: float
    fixed: float
    free: float
    unrelated: float


@dataclass(frozen=True, slots=True)
class Bucket:
    """Tokens that the datastore has so often: how many, and their perplexities."""

    seen: str
    tokens: int
    base: float
    knn: float


@dataclass(frozen=True, slots=True)
class Measured:
    """Perplexities of a text; `overlap` is the share of its runs of five tokens that the datastore has too.

    `controls` has the perplexity with shuffled values, with random neighbours, and with a cache of n-grams instead.
    """

    tokens: int
    keys: int
    base: float
    knn: float
    mean_weight: float
    mixing: Mixing
    improved: float
    overlap: float
    buckets: tuple[Bucket, ...]
    controls: Mapping[str, float]
    seconds_base: float
    seconds_knn: float


class KnnMeasurement:
    """Measures the datastore of one base; nothing here changes what it holds."""

    def __init__(self, knn: KnnLm) -> None:
        self._knn = knn

    def tune(self, most: int = 4000) -> KnnTuning:
        """Find the mixing that does best on a tenth of the base, with the rest as neighbours, and keep it.

        Raises UsageError for a base that is too small to hold anything out.
        """
        store = self._knn.store()
        search, texts = self._held_out(store, 0, most)
        text = scored(store, search, self._read(texts), max(COUNTS))
        other = scored(store, search, self._read([self._knn.model.encode(UNRELATED)]), max(COUNTS))
        other = other.part(slice(1, None))  # every text's first state is the same
        free, fixed = tuned(text), tuned(text, adaptive=False)
        mixing = guarded(free, text, other)
        self._knn.keep_tuned(mixing)
        knn, even, unlimited = (perplexity(mixed(text, one)) for one in (mixing, fixed, free))
        apart = perplexity(mixed(other, mixing)) / perplexity(other.own)
        return KnnTuning(mixing, len(text.tokens), perplexity(text.own), knn, even, unlimited, apart)

    def perplexity(self, text: str | None, asked: KnnAsk, most: int = 1_000_000) -> Measured:
        """Measure a text, or, if it is None, the tenth of the base that is held out and was not tuned on."""
        store = self._knn.store()
        mixing = asked.mixing(store.manifest.tuned)
        if text is None:
            search, texts = self._held_out(store, 1, most)
        else:
            search, texts = self._knn.whole(), [self._knn.model.encode(text)[:most]]
        if not len(search.active.rows) or not any(texts):
            raise UsageError("There is no text to measure, or no key to measure it with.", "Run: kb knn build NAME")
        started = perf_counter()
        reading = self._read(texts)
        read_by = perf_counter()
        found = scored(store, search, reading, mixing.k)
        both = mixed(found, mixing)
        seconds = perf_counter() - started
        return _measured(store.tokens[search.active.rows], found, both, mixing, (read_by - started, seconds))

    def _read(self, texts: Sequence[Sequence[int]]) -> Reading:
        return joined([part for ids in texts for part in read(self._knn.model, ids)])

    def _held_out(self, store: Datastore, part: int, most: int) -> tuple[KeySearch, list[list[int]]]:
        """Return a search over the rest of the base, and the texts held out: documents where there are several."""
        active = self._knn.active()
        owners = store.documents(active.rows)
        documents = np.unique(owners)
        if len(documents) == 1:
            cuts = [len(active.rows) * (_SHARE - 2 + n) // _SHARE for n in (part, part + 1)]
            chosen = np.zeros(len(active.rows), np.bool_)
            chosen[cuts[0] : cuts[1]] = True
            held = [store.tokens[active.rows[chosen]].tolist()[:most]]
        else:
            picked = _picked(documents, owners, part, most)
            chosen = np.isin(owners, picked)
            held = [store.tokens[active.rows[owners == id_]].tolist() for id_ in picked]
        if not any(held) or chosen.all():
            raise UsageError("The base is too small to hold a part of it out.", "Add documents, and kb knn build.")
        return search_of(store, Active(active.rows[~chosen], active.owners[~chosen])), held


def _picked(documents: Ints, owners: Ints, part: int, most: int) -> list[int]:
    """Return documents of one half of a fixed shuffle, up to a tenth of all tokens, at least one."""
    shuffled = sorted(documents.tolist(), key=lambda id_: zlib.crc32(str(id_).encode()))
    picked: list[int] = []
    size = 0
    for id_ in shuffled[part::2]:
        picked.append(id_)
        size += int((owners == id_).sum())
        if size >= min(most, len(owners) // _SHARE):
            break
    return picked


def _measured(stored: Ints, text: Scored, both: Floats, mixing: Mixing, seconds: tuple[float, float]) -> Measured:
    near = text.nearest(mixing.k)
    weights = shares(near.distances, near.found, text.entropy, mixing)
    probabilities = cache_probabilities(text.tokens, stored)
    controls = {
        "shuffled_values": perplexity(mixed(shuffled_values(text, stored), mixing)),
        "random_neighbours": perplexity(mixed(random_neighbours(text, stored), mixing)),
        "ngram_cache": perplexity(interpolated(text.own, probabilities, best_cache(text.own, probabilities))),
    }
    return Measured(
        len(text.tokens),
        len(stored),
        perplexity(text.own),
        perplexity(both),
        float(weights.mean()),
        mixing,
        float((both > text.own).mean()),
        _overlap(text.tokens, stored),
        _buckets(text, both, stored),
        controls,
        *seconds,
    )


def _buckets(text: Scored, both: Floats, stored: Ints) -> tuple[Bucket, ...]:
    counts = np.bincount(stored, minlength=int(text.tokens.max()) + 1)[text.tokens]
    found = []
    for name, (least, most) in _SEEN.items():
        inside = (counts >= least) & (counts <= (np.inf if most is None else most))
        if inside.any():
            found.append(Bucket(name, int(inside.sum()), perplexity(text.own[inside]), perplexity(both[inside])))
    return tuple(found)


def _overlap(tokens: Ints, stored: Ints) -> float:
    known = {tuple(gram) for gram in _grams(stored)}
    grams = [tuple(gram) in known for gram in _grams(tokens)]
    return float(np.mean(grams)) if grams else 0.0


def _grams(tokens: Ints) -> list[list[int]]:
    if len(tokens) < _GRAM:
        return []
    found: list[list[int]] = np.lib.stride_tricks.sliding_window_view(tokens, _GRAM).tolist()
    return found

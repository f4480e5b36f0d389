"""What else could explain a lower perplexity: the same mixing with values, neighbours or contexts that mean nothing.

If shuffled values or random neighbours helped as much, the gain would come from token frequencies; if a cache of
n-grams did, it would come from repeated wording, and hidden states would be a costly way to find it.
"""

from collections import Counter, defaultdict
from dataclasses import replace

import numpy as np

from kb_server.knnlm.interpolation import Floats, Ints
from kb_server.knnlm.perplexity import Scored, interpolated

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

"I don't think she heard you," he whispered, and put the lamp back on the shelf. Outside, somebody was laughing.
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


def cache_chances(tokens: Ints, stored: Ints) -> Floats:
    """Return for each token of a text how often it followed its longest context of up to two tokens in the store."""
    counts: list[dict[tuple[int, ...], Counter[int]]] = [defaultdict(Counter) for _ in range(_ORDER)]
    values = stored.tolist()
    for place, token in enumerate(values):
        for length in range(min(_ORDER, place + 1)):
            counts[length][tuple(values[place - length : place])][token] += 1
    read = tokens.tolist()
    return np.array([_chance(counts, read, place) for place in range(len(read))])


def best_cache(own: Floats, chances: Floats) -> float:
    """Return the share of the cache that does best on a text."""
    return max(_WEIGHTS, key=lambda weight: float(interpolated(own, chances, weight).mean()))


def _permuted(values: Ints) -> Ints:
    return np.random.default_rng(0).permutation(values)


def _chance(counts: list[dict[tuple[int, ...], Counter[int]]], read: list[int], place: int) -> float:
    for length in range(min(_ORDER - 1, place), -1, -1):
        followed = counts[length].get(tuple(read[place - length : place]))
        if followed:
            return followed[read[place]] / followed.total()
    return 0.0

"""Perplexity of wikitext-2's test with wikitext-2's valid as the datastore, and of text that has nothing to do with it.

How to mix is found on tokens from all over valid, each of which has neighbours from other articles only. Nothing is
fitted on what is judged. Of a repeated run only what is not in the folder is computed.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.knnlm import Part, console, read_part
from benchmarks.knnlm_texts import UNRELATED, articles, line_numbers, lines_of, ordinary
from kb_server.core.knn_lm import UNTUNED, Mixing
from kb_server.core.ports import Vectors
from kb_server.knnlm.datastore.projection import Projection
from kb_server.knnlm.interpolation import Ints
from kb_server.knnlm.measure import best_cache, cache_probabilities, random_neighbours, shuffled_values
from kb_server.knnlm.perplexity import Scored, interpolated, mixed, perplexity
from kb_server.knnlm.tune import guarded, tuned

TUNED_ON = 8000  # tokens of valid
K = 256
BLOCK = 5000  # tokens whose neighbours are written down at once
GRAM = 5
SIZES = (13_000, 26_000, 52_000, 104_000, 208_000)

Chosen = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Keys:
    """The datastore: its keys, the token after each, and the article that each is of."""

    projection: Projection
    keys: Vectors
    tokens: Ints
    articles: Ints

    def first(self, size: int) -> "Keys":
        """Return the datastore of the first tokens."""
        return Keys(self.projection, self.keys[:size], self.tokens[:size], self.articles[:size])


def neighbours(part: Part, store: Keys, barred: Ints | None = None) -> Scored:
    """Return a text with its K nearest keys, nearest first; of each token the article `barred` is left out."""
    queries, lengths = store.projection.queries(part.states), (store.keys**2).sum(1)
    distances, found = [], []
    for start in range(0, len(queries), 256):
        block = queries[start : start + 256]
        rough = lengths - 2 * (block @ store.keys.T) + (block**2).sum(1)[:, None]
        for row, article in enumerate(() if barred is None else barred[start : start + 256]):
            rough[row, slice(*np.searchsorted(store.articles, [article, article + 1]))] = np.inf
        places = np.argpartition(rough, K - 1, 1)[:, :K]
        near = np.take_along_axis(rough, places, 1)
        order = np.argsort(near, 1)
        distances.append(np.maximum(np.take_along_axis(near, order, 1), 0))
        found.append(store.tokens[np.take_along_axis(places, order, 1)])
    return Scored(part.tokens, part.own, part.entropy, np.concatenate(distances), np.concatenate(found))


def kept(work: Path, name: str, part: Part, store: Keys, barred: Ints | None = None) -> Scored:
    """Do what `neighbours` does, a block at a time; blocks that an earlier run wrote down are read."""
    parts = []
    for start in range(0, len(part.tokens), BLOCK):
        file = work / f"found-{name}.{len(store.keys)}.{len(part.tokens)}.{start}.npz"
        chosen = slice(start, start + BLOCK)
        if not file.exists():
            one = neighbours(cut(part, chosen), store, None if barred is None else barred[chosen])
            np.savez(file, distances=one.distances, found=one.found.astype(np.int32))
        with np.load(file) as block:
            parts.append((block["distances"], block["found"].astype(np.int64)))
    distances, found = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Scored(part.tokens, part.own, part.entropy, distances, found)


def cut(part: Part, chosen: slice | Ints) -> Part:
    """Return some tokens of a text."""
    return Part(part.tokens[chosen], part.states[chosen], part.own[chosen], part.entropy[chosen])


def measure(work: Path, most: int) -> None:
    """Tune, evaluate, and print what docs/results.md has."""
    valid, test = read_part(work, "valid"), read_part(work, "test")
    if valid is None or test is None:
        console.print(f"Nothing was read into {work} yet. Run: python -m benchmarks.knnlm states --work {work}")
        return
    test, newline = cut(test, slice(most)), _newline(work)
    of = articles(lines_of("valid"))[line_numbers(valid.tokens, newline)]
    sample = np.random.default_rng(0).permutation(len(valid.tokens) - 1)
    projection = Projection.fitted(valid.states[sample[:20_000]], 256)
    store = Keys(projection, projection.keys(valid.states).astype(np.float32), valid.tokens, of)
    chosen = np.sort(sample[:TUNED_ON])
    tuning = kept(work, "valid", cut(valid, chosen), store, of[chosen])
    free, fixed = tuned(tuning), tuned(tuning, adaptive=False)
    others = {name: part for name in ("guard", *UNRELATED) if (part := read_part(work, name)) is not None}
    unrelated = {name: kept(work, name, part, store).part(slice(1, None)) for name, part in others.items()}
    best = guarded(free, tuning, unrelated["guard"]) if "guard" in unrelated else free
    console.print(f"{len(store.keys)} keys, {len(test.tokens)} test tokens; {best}; fixed {fixed.weight}")
    text = kept(work, "test", test, store)
    for name, how in (("guarded", best), ("free", free), ("fixed", fixed), ("untuned", UNTUNED)):
        console.print(f"{name}: {_ratio(text, how)}; on the text tuned on {_ratio(tuning, how)}")
        for other_name, other in unrelated.items():
            console.print(f"  {other_name}: {len(other.tokens)} tokens, {_ratio(other, how)}")
    _parts(text, best, store, newline)
    _controls(text, best, store.tokens)
    copied = kept(work, "copied", cut(valid, slice(-3000, None)), store)
    console.print(f"in-store text, which is copying: {_ratio(copied, best)}")
    ratios = _by_size(work, test, store, best)
    _plot(ratios, work / "knnlm.svg")


def _ratio(text: Scored, how: Mixing) -> str:
    own, both = perplexity(text.own), perplexity(mixed(text, how))
    return f"{both:.3f} of {own:.3f}: ratio {both / own:.4f}"


def _parts(text: Scored, best: Mixing, store: Keys, newline: int) -> None:
    both, lines = mixed(text, best), lines_of("test")
    numbers = line_numbers(text.tokens, newline)
    seen = _seen(text.tokens, store.tokens)
    copies = np.bincount(numbers, seen) / np.maximum(np.bincount(numbers), 1) > 0.5
    counts = np.bincount(store.tokens, minlength=int(text.tokens.max()) + 1)[text.tokens]
    console.print(
        f"improved {(both > text.own).mean():.3f}; {seen.mean():.3f} of its {GRAM}-grams are in the datastore"
    )
    parts: dict[str, Chosen] = {
        "lines without heading and unk": ordinary(lines)[numbers],
        "lines of which half the 5-grams are not in the datastore": ~copies[numbers],
        "seen never": counts == 0,
        "seen 1-9 times": (counts > 0) & (counts < 10),
        "seen 10-99 times": (counts >= 10) & (counts < 100),
        "seen 100 times or more": counts >= 100,
        **{f"from {start}": _range(len(counts), start) for start in range(0, len(counts), 10_000)},
    }
    for name, inside in parts.items():
        console.print(f"{name}: {inside.sum()} tokens, {_ratio(text.part(np.flatnonzero(inside)), best)}")


def _range(count: int, start: int) -> Chosen:
    places = np.arange(count)
    return (places >= start) & (places < start + 10_000)


def _seen(tokens: Ints, stored: Ints) -> Chosen:
    """Return which tokens end a run of five that the datastore has too."""
    known = set(map(bytes, np.lib.stride_tricks.sliding_window_view(stored, GRAM)))
    runs = np.lib.stride_tricks.sliding_window_view(tokens, GRAM)
    return np.array([False] * (GRAM - 1) + [bytes(run) in known for run in runs])


def _controls(text: Scored, best: Mixing, stored: Ints) -> None:
    for name, other in (("shuffled", shuffled_values(text, stored)), ("random", random_neighbours(text, stored))):
        console.print(f"{name}: {_ratio(other, best)}")
    probabilities = cache_probabilities(text.tokens, stored)
    share = best_cache(text.own, probabilities)
    ratio = perplexity(interpolated(text.own, probabilities, share)) / perplexity(text.own)
    console.print(f"n-gram cache ({share}): ratio {ratio:.4f}")


def _by_size(work: Path, test: Part, store: Keys, best: Mixing) -> dict[int, float]:
    few, ratios = cut(test, slice(None, None, 10)), {}
    for size in [*(size for size in SIZES if size < len(store.keys)), len(store.keys)]:
        part = kept(work, "few", few, store.first(size))
        ratios[size] = perplexity(mixed(part, best)) / perplexity(part.own)
        console.print(f"keys {size}, every tenth token: ratio {ratios[size]:.4f}")
    return ratios


def _newline(work: Path) -> int:
    """Return the id of the newline, which ends a line and nothing else."""
    from kb_server.llm.engines.transformers import TransformersGenerator
    from kb_server.llm.model_files import BUNDLED

    return TransformersGenerator(BUNDLED, cache=work / "cache").next_token_model().encode("\n")[0]


def _plot(ratios: dict[int, float], file: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 3), layout="constrained")
    axes = figure.add_subplot()
    axes.plot(list(ratios), list(ratios.values()), marker="o", color="#2a78d6", linewidth=2)
    for size, ratio in ratios.items():
        axes.annotate(f"{ratio:.3f}", (size, ratio), (0, 7), textcoords="offset points", ha="center")
    axes.set_xscale("log")
    axes.set_xlabel("keys")
    axes.set_ylabel("perplexity, kNN-LM / model")
    axes.grid(alpha=0.2)
    figure.savefig(file)

"""kNN-LM on wikitext-2: perplexity against the number of keys, with controls; and what decoding with it costs.

    python -m benchmarks.knnlm states --work DIR      # reads valid and test; resumable, hours on a busy machine
    python -m benchmarks.knnlm perplexity --work DIR  # tunes on a part of valid, evaluates on test, draws the plot
    python -m benchmarks.knnlm speed --work DIR       # tokens a second with 10,000 and 1,000,000 keys

The datastore is wikitext-2's valid, detokenised, read 1,024 tokens at a time with 64 before each window. What is judged
is read 512 at a time with 128. Tuned is on the first pieces of valid, with the rest as datastore.
"""

import argparse
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console

from kb_server.generation.bundled import BUNDLED
from kb_server.generation.transformers import TransformersGenerator
from kb_server.knnlm.combining import Floats, Ints
from kb_server.knnlm.controls import best_cache, cache_chances, random_neighbours, shuffled_values
from kb_server.knnlm.projection import Projection
from kb_server.knnlm.reading import windows
from kb_server.knnlm.scoring import Scored, interpolated, mixed, perplexity
from kb_server.knnlm.tuning import tuned
from kb_server.mixing import Mixing
from kb_server.ports import NextTokenModel, Vectors

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "wikitext-2"
READ = {"valid": (1024, 64), "test": (512, 128), "news": (512, 128), "code": (512, 128)}
PIECE = 24  # windows a file
DEV = 23_040  # tokens of valid that are tuned on
K = 256
BLOCK = 5000  # tokens whose neighbours are written down at once
console = Console()


@dataclass(frozen=True, slots=True)
class Part:
    """Tokens of a text that were read: states as 16-bit numbers, and the model's log-probabilities."""

    tokens: Ints
    states: Vectors
    own: Floats


def detokenised(line: str) -> str:
    """Undo what wikitext did to a line: spaces around punctuation, @-@, quotes."""
    line = line.replace(" @-@ ", "-").replace(" @,@ ", ",").replace(" @.@ ", ".").replace("<unk>", "unk")
    line = re.sub(r" ([,.;:!?)\]%])", r"\1", line)
    line = re.sub(r"([(\[$£]) ", r"\1", line)
    line = re.sub(r" (n't|'s|'re|'ve|'d|'ll|'m)\b", r"\1", line).replace(" '", "'")
    return re.sub(r'" ([^"]*?) "', r'"\1"', line).strip()


def text_of(name: str) -> str:
    """Return a wikitext file as running text, a paragraph a line; or Chinese news, or code of this program."""
    if name == "news":
        return (SHARED.parent / "news-zh" / "part-1.txt").read_text("utf-8")[:2000]
    if name == "code":
        return Path(__file__).read_text("utf-8") + (Path(__file__).parent / "stores.py").read_text("utf-8")
    lines = (SHARED / f"{name}.txt").read_text("utf-8").splitlines()
    return "\n".join(filter(None, map(detokenised, lines)))


def read_states(work: Path, name: str, model: NextTokenModel) -> None:
    """Write states and log-probabilities of a text, a piece at a time; pieces that are there are passed over."""
    ids = model.encode(text_of(name))
    np.save(work / f"{name}.tokens.npy", np.array(ids, np.uint32))
    reads = list(windows(model, ids, *READ[name]))
    for first in range(0, len(reads), PIECE):
        file = work / f"{name}.{first:05}.npz"
        if file.exists():
            continue
        parts = [model.score(read, new) for read, new in reads[first : first + PIECE]]
        keys = np.concatenate([states for states, _ in parts]).astype(np.float16)
        np.savez(file, keys=keys, lp=np.concatenate([own for _, own in parts]))
        console.print(f"{name}: {first + PIECE} of {len(reads)} windows")


def read_part(work: Path, name: str) -> Part:
    """Return what was read of a text so far, from its beginning without a gap."""
    files = sorted(work.glob(f"{name}.[0-9]*.npz"))
    whole = [file for n, file in enumerate(files) if int(file.stem.split(".")[1]) == n * PIECE]
    parts = [np.load(file) for file in whole]
    states = np.concatenate([part["keys"] for part in parts]).astype(np.float32)
    own = np.concatenate([part["lp"] for part in parts]).astype(np.float64)
    tokens = np.load(work / f"{name}.tokens.npy")[: len(own)].astype(np.int64)
    return Part(tokens, states, own)


def neighbours(queries: Vectors, keys: Vectors, tokens: Ints) -> tuple[Vectors, Ints]:
    """Return distances and tokens [n, K] of the nearest keys, nearest first; exact but for rounding."""
    lengths, distances, found = (keys**2).sum(1), [], []
    for start in range(0, len(queries), 256):
        block = queries[start : start + 256]
        rough = lengths - 2 * (block @ keys.T) + (block**2).sum(1)[:, None]
        places = np.argpartition(rough, K - 1, 1)[:, :K]
        near = np.take_along_axis(rough, places, 1)
        order = np.argsort(near, 1)
        distances.append(np.maximum(np.take_along_axis(near, order, 1), 0))
        found.append(tokens[np.take_along_axis(places, order, 1)])
    return np.concatenate(distances), np.concatenate(found)


def scored(part: Part, keys: Vectors, tokens: Ints, projection: Projection) -> Scored:
    """Return a text with its neighbours among these keys."""
    return Scored(part.tokens, part.own, *neighbours(projection.queries(part.states), keys, tokens))


def found_in_blocks(work: Path, part: Part, keys: Vectors, tokens: Ints, projection: Projection) -> Scored:
    """Do what `scored` does, a block at a time; blocks that an earlier run wrote down are read."""
    parts = []
    for start in range(0, len(part.tokens), BLOCK):
        file = work / f"found.{len(keys)}.{start}.npz"
        if not file.exists():
            one = scored(cut(part, start, start + BLOCK), keys, tokens, projection)
            np.savez(file, distances=one.distances, found=one.found.astype(np.int32))
            console.print(f"neighbours of {start + BLOCK} tokens")
        with np.load(file) as block:
            parts.append((block["distances"], block["found"].astype(np.int64)))
    distances, found = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Scored(part.tokens, part.own, distances, found)


def cut(part: Part, start: int, end: int | None) -> Part:
    """Return a stretch of a text."""
    return Part(part.tokens[start:end], part.states[start:end], part.own[start:end])


def measure(work: Path, most: int) -> None:
    """Tune, evaluate, and print what docs/results.md has."""
    valid, test = read_part(work, "valid"), cut(read_part(work, "test"), 0, most)
    sample = np.random.default_rng(0).choice(len(valid.tokens), 20_000, replace=False)
    projection = Projection.fitted(valid.states[sample], 256)
    keys = projection.keys(valid.states).astype(np.float32)
    dev = cut(valid, 2000, 2000 + 4000)
    best, fixed = _tuned(scored(dev, keys[DEV:], valid.tokens[DEV:], projection))
    console.print(f"{len(keys)} keys, {len(test.tokens)} test tokens; {best}; fixed {fixed.weight}")
    sizes = [n for n in (13_000, 26_000, 52_000, 104_000, 208_000) if n < len(keys)] + [len(keys)]
    ratios = {}
    text = found_in_blocks(work, test, keys, valid.tokens, projection)
    spaced = slice(0, None, 5)
    few = Part(test.tokens[spaced], test.states[spaced], test.own[spaced])
    for size in sizes:
        part = scored(few, keys[:size], valid.tokens[:size], projection)
        ratios[size] = perplexity(mixed(part, best)) / perplexity(part.own)
        console.print(f"keys {size}, every fifth token: ratio {ratios[size]:.4f}")
    _report(text, best, fixed, valid.tokens, work)
    for name in ("news", "code"):
        other = scored(read_part(work, name), keys, valid.tokens, projection)
        ratio = perplexity(mixed(other, best)) / perplexity(other.own)
        console.print(f"{name}: {len(other.tokens)} tokens, base {perplexity(other.own):.2f} ratio {ratio:.4f}")
    _plot(ratios, work / "knnlm.svg")


def _tuned(text: Scored) -> tuple[Mixing, Mixing]:
    return tuned(text), tuned(text, adaptive=False)


def _report(text: Scored, best: Mixing, fixed: Mixing, stored: Ints, work: Path) -> None:
    own, both = text.own, mixed(text, best)
    console.print(
        f"base {perplexity(own):.3f} knn {perplexity(both):.3f} ratio {perplexity(both) / perplexity(own):.4f}"
    )
    console.print(
        f"fixed ratio {perplexity(mixed(text, fixed)) / perplexity(own):.4f} improved {(both > own).mean():.3f}"
    )
    plain = _ordinary(text.tokens, work)
    console.print(
        f"without headings and unk lines: {plain.sum()} tokens, base {perplexity(own[plain]):.3f} "
        f"ratio {perplexity(both[plain]) / perplexity(own[plain]):.4f}"
    )
    for name, other in (("shuffled", shuffled_values(text, stored)), ("random", random_neighbours(text, stored))):
        console.print(f"{name}: ratio {perplexity(mixed(other, best)) / perplexity(own):.4f}")
    chances = cache_chances(text.tokens, stored)
    share = best_cache(own, chances)
    console.print(
        f"n-gram cache ({share}): ratio {perplexity(interpolated(own, chances, share)) / perplexity(own):.4f}"
    )
    counts = np.bincount(stored, minlength=int(text.tokens.max()) + 1)[text.tokens]
    for name, inside in (("0", counts == 0), ("1-9", (counts > 0) & (counts < 10)), ("100+", counts >= 100)):
        gain = perplexity(both[inside]) / perplexity(own[inside])
        console.print(f"seen {name}: {inside.sum()} tokens, base {perplexity(own[inside]):.2f} ratio {gain:.3f}")


def _ordinary(tokens: Ints, work: Path) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """Return which tokens stand in lines that are no headings and have no `unk`."""
    model = TransformersGenerator(BUNDLED, cache=work / "cache").next_token_model()
    newline = model.encode("\n")[0]
    ends = np.flatnonzero(tokens == newline)
    kept = np.ones(len(tokens), np.bool_)
    for start, end in zip([0, *(ends + 1)], [*(ends + 1), len(tokens)], strict=True):
        line = model.decode(tokens[start:end].tolist())
        if line.strip().startswith("= ") or re.search(r"\bunk\b", line):
            kept[start:end] = False
    return kept


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


def pieces(work: Path) -> Iterator[str]:
    """Yield the texts in the order they are read."""
    work.mkdir(parents=True, exist_ok=True)
    yield from READ


def main() -> None:
    """Run one of the three."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["states", "perplexity", "speed"])
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--tokens", type=int, default=1_000_000)
    options = parser.parse_args()
    if not SHARED.is_dir():
        console.print(f"Skipped: {SHARED} is not there.")
        return
    started = time.perf_counter()
    if options.what == "states":
        model = TransformersGenerator(BUNDLED, cache=options.work / "cache").next_token_model()
        for name in pieces(options.work):
            read_states(options.work, name, model)
    elif options.what == "perplexity":
        measure(options.work, options.tokens)
    else:
        from benchmarks.knnlm_speed import measure_speed

        measure_speed(options.work)
    console.print(f"{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()

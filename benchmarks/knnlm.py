"""kNN-LM on wikitext-2: perplexity against the number of keys, with controls; and what decoding with it costs.

    python -m benchmarks.knnlm states --work DIR      # reads the texts; resumable, ten minutes on two quiet cores
    python -m benchmarks.knnlm perplexity --work DIR  # tunes on a part of valid, evaluates on test, draws the plot
    python -m benchmarks.knnlm speed --work DIR       # tokens a second with 10,000 and 1,000,000 keys

The datastore is wikitext-2's valid, detokenised. Every text is read 512 tokens at a time with 128 before each window.
"""

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console

from benchmarks.knnlm_texts import SHARED, text_of
from kb_server.core.ports import NextTokenModel, Vectors
from kb_server.knnlm.datastore.texts import windows
from kb_server.knnlm.interpolation import Floats, Ints
from kb_server.llm.engines.transformers import TransformersGenerator
from kb_server.llm.model_files import BUNDLED

ALL = 1_000_000
READ = {"test": ALL, "news": 2000, "code": 2000, "guard": 2000, "valid": ALL}  # tokens at most, in the order of reading
WINDOW, CONTEXT = 512, 128
PIECE = 24  # windows a file
console = Console(soft_wrap=True)


@dataclass(frozen=True, slots=True)
class Part:
    """Tokens of a text that were read: states as 16-bit numbers, the model's log-probabilities and entropies."""

    tokens: Ints
    states: Vectors
    own: Floats
    entropy: Floats


def read_states(work: Path, name: str, model: NextTokenModel, most: int) -> None:
    """Write states and log-probabilities of a text, a piece at a time; pieces that are there are passed over."""
    ids = model.encode(text_of(name))[:most]
    reads = list(windows(model, ids, WINDOW, CONTEXT))
    for first in range(0, len(reads), PIECE):
        file = work / f"{name}.{first:05}.npz"
        if file.exists():
            continue
        chosen = reads[first : first + PIECE]
        states, own, entropy = (
            np.concatenate(column) for column in zip(*(model.score(read, new) for read, new in chosen), strict=True)
        )
        tokens = np.concatenate([read[-new:] for read, new in chosen]).astype(np.uint32)
        unnamed = file.with_name("unfinished.npz")
        np.savez(unnamed, keys=states.astype(np.float16), lp=own, entropy=entropy, tokens=tokens)
        unnamed.rename(file)
        console.print(f"{name}: {first + len(chosen)} of {len(reads)} windows")


def read_part(work: Path, name: str) -> Part | None:
    """Return what was read of a text so far, from its beginning without a gap; None if nothing was."""
    files = sorted(work.glob(f"{name}.[0-9]*.npz"))
    whole = [np.load(file) for n, file in enumerate(files) if int(file.stem.split(".")[1]) == n * PIECE]
    if not whole:
        return None
    columns = {"tokens": np.int64, "keys": np.float32, "lp": np.float64, "entropy": np.float64}
    return Part(*(np.concatenate([part[name] for part in whole]).astype(kind) for name, kind in columns.items()))


def main() -> None:
    """Run one of the three."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["states", "perplexity", "speed"])
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--tokens", type=int, default=ALL)
    options = parser.parse_args()
    if not SHARED.is_dir():
        console.print(f"Skipped: {SHARED} is not there.")
        return
    started = time.perf_counter()
    options.work.mkdir(parents=True, exist_ok=True)
    if options.what == "states":
        model = TransformersGenerator(BUNDLED, cache=options.work / "cache").next_token_model()
        for name, most in READ.items():
            read_states(options.work, name, model, min(most, options.tokens))
    elif options.what == "perplexity":
        from benchmarks.knnlm_perplexity import measure

        measure(options.work, options.tokens)
    else:
        from benchmarks.knnlm_speed import measure_speed

        measure_speed(options.work)
    console.print(f"{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()

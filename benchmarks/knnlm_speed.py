"""What decoding with kNN-LM costs: one answer of the bundled model, plain and mixed, jobs taking turns in one run.

Run it with OMP_NUM_THREADS=1: then other programs hardly count in tokens a second of the processor.
The keys are those of wikitext-2 that `benchmarks.knnlm states` left; a million are copies of them with a little noise.
The plain method is that of Khandelwal et al. 2020: IVFPQ with 64 codes over all keys, k = 1024, no distance anew.
"""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from rich.console import Console

from benchmarks.knnlm import Part, read_part
from kb_server.core.answers import Message, Sampling
from kb_server.core.knn_lm import Gate, Mixing
from kb_server.core.ports import NextTokenModel, Vectors
from kb_server.knnlm.datastore.index import IndexSearch, build_index
from kb_server.knnlm.datastore.manifest import DatastoreManifest
from kb_server.knnlm.datastore.projection import Projection, write_projection
from kb_server.knnlm.datastore.segments import Segment, write_segment
from kb_server.knnlm.datastore.store import Active, Datastore
from kb_server.knnlm.interpolation import Distances, Ints
from kb_server.knnlm.knn_lm import NeighbourMixer
from kb_server.knnlm.search import ExactSearch, KeySearch
from kb_server.llm.engines.transformers import TransformersGenerator
from kb_server.llm.model_files import BUNDLED
from vectorstores.faiss.module import imported_faiss

ASKED = [Message("user", "Write about the history of a river and the towns that stand on it.")]
TOKENS, ROUNDS, LARGE = 48, 7, 1_000_000
GATED = Mixing(k=256, cap=0.75, gate=Gate(-5.5, -1.4, 0.45, 1.6))  # as `kb knn tune` may find
console = Console()


@dataclass(slots=True)
class PlainIvfPq:
    """The plain method: distances as the codes have them."""

    active: Active
    index: Any

    def nearest(self, queries: Vectors, k: int) -> tuple[Distances, Ints]:
        """Return what FAISS finds."""
        distances, rows = self.index.search(queries, k)
        return np.maximum(distances, 0), rows


def large_store(folder: Path, model: NextTokenModel, part: Part, size: int) -> Datastore:
    """Write a datastore of `size` keys: the real ones, and copies of them with noise."""
    sample = np.random.default_rng(0).choice(len(part.tokens), 20_000, replace=False)
    projection = Projection.fitted(part.states[sample], 256)
    keys = projection.keys(part.states)
    names = []
    random = np.random.default_rng(1)
    for number in range(-(-size // len(keys))):
        count = min(len(keys), size - number * len(keys))
        noise = random.normal(0, 0.01 * min(number, 1), (count, 256)).astype(np.float16)
        at = np.array([[number, 0, count]])
        names.append(f"{number + 1:06d}.seg")
        segment = Segment(
            np.array([[number, count]]),
            np.array([[number, number, 0, count]]),
            np.array([[number, 0, 0]]),
            at,
            part.tokens[:count].astype(np.uint32),
            keys[:count] + noise,
        )
        folder.mkdir(parents=True, exist_ok=True)
        write_segment(folder / names[-1], segment)
    write_projection(folder, projection)
    DatastoreManifest(model.identity(), 256, 1024, 64, tuple(names)).write(folder)
    return Datastore.open(folder, model.identity())


def measure_speed(work: Path) -> None:
    """Print tokens a second of each way, and how much of the plain model's that is."""
    generator = TransformersGenerator(BUNDLED, cache=work / "cache", prefix_cache=0)
    model = generator.next_token_model()
    part = read_part(work, "valid")
    if part is None:
        console.print(f"Nothing was read into {work} yet. Run: python -m benchmarks.knnlm states --work {work}")
        return
    with tempfile.TemporaryDirectory(dir=work) as folder:
        store = large_store(Path(folder) / "knn-large", model, part, LARGE)
        started = time.perf_counter()
        build_index(store)
        console.print(f"index of {len(store)} keys: {time.perf_counter() - started:.0f} s")
        store = Datastore.open(store.folder, model.identity())
        rows = np.arange(len(store))
        every = Active(rows, np.zeros(len(rows), np.int64))
        few = Active(rows[:10_000], every.owners[:10_000])
        searches: dict[str, tuple[KeySearch, Mixing]] = {
            "10,000 keys, exact, k 64": (ExactSearch(store, few), Mixing()),
            "10,000 keys, exact, k 256, a gate": (ExactSearch(store, few), GATED),
            "1,000,000 keys, index, k 64": (IndexSearch(store, every), Mixing()),
            "1,000,000 keys, index, k 256, a gate": (IndexSearch(store, every), GATED),
            "1,000,000 keys, plain IVFPQ, k 1024": (_plain(store, every), Mixing(k=1024, weight=0.25, pointers=False)),
        }
        _take_turns(generator, model, store, searches)
        sizes = sum(path.stat().st_size for path in store.folder.glob("*.seg")) / len(store)
        console.print(
            f"{sizes:.0f} bytes a key, the index {(store.folder / 'keys.faiss').stat().st_size / len(store):.0f} more"
        )
    _building(model, generator)


def _take_turns(
    generator: TransformersGenerator,
    model: NextTokenModel,
    store: Datastore,
    searches: dict[str, tuple[KeySearch, Mixing]],
) -> None:
    def alone() -> int:
        return len(model.encode("".join(generator.stream(ASKED, Sampling(max_tokens=TOKENS)))))

    jobs: dict[str, Callable[[], int]] = {"the model alone": alone}
    for name, (search, how) in searches.items():
        jobs[name] = partial(_write, generator, model, store, search, how)
    for clock, speeds in _timed(jobs).items():
        base = median(speeds["the model alone"])
        for name, found in speeds.items():
            rate = median(found)
            console.print(f"{name}: {rate:.1f} tokens a second of the {clock}, {rate / base:.2f} of the model alone")


def _timed(jobs: dict[str, Callable[[], int]]) -> dict[str, dict[str, list[float]]]:
    """Return each job's tokens a second by processor and by clock, one number a round; the first round warms up."""
    clocks = {"processor": time.process_time, "clock": time.perf_counter}
    speeds: dict[str, dict[str, list[float]]] = {clock: {name: [] for name in jobs} for clock in clocks}
    for round_ in range(ROUNDS + 1):
        for name, job in jobs.items():
            started = {clock: read() for clock, read in clocks.items()}
            tokens = job()
            if round_:
                for clock, read in clocks.items():
                    speeds[clock][name].append(tokens / (read() - started[clock]))
    return speeds


def _write(
    generator: TransformersGenerator, model: NextTokenModel, store: Datastore, search: KeySearch, how: Mixing
) -> int:
    """Write an answer; returns of how many tokens."""
    mixer = NeighbourMixer(store, search, how, model.decode)
    list(generator.stream_mixed(ASKED, Sampling(max_tokens=TOKENS), mixer))
    return len(mixer.trace(lambda _: {}).tokens)


def _plain(store: Datastore, active: Active) -> PlainIvfPq:
    faiss: Any = imported_faiss()
    index = faiss.index_factory(256, "IVF2048,PQ64", faiss.METRIC_L2)
    sample = np.sort(np.random.default_rng(0).choice(len(store), 82_000, replace=False))
    index.cp.niter = 8
    index.train(store.keys(sample))
    for start in range(0, len(store), 65_536):
        index.add(store.keys(active.rows[start : start + 65_536]))
    index.nprobe = 32
    return PlainIvfPq(active, index)


def _building(model: NextTokenModel, generator: TransformersGenerator) -> None:
    """Compare reading for a datastore with reading a prompt of the same length."""
    ids = model.encode("The river rises in the hills and runs to the sea. " * 200)[:1024]
    prompt = [*model.lead(), *ids]
    decoder = generator._made_ready().decoder
    states: list[float] = []
    prefill: list[float] = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        model.states(prompt, 960)
        states.append(time.perf_counter() - started)
        started = time.perf_counter()
        next(decoder.tokens(prompt, Sampling(max_tokens=1), 1))
        prefill.append(time.perf_counter() - started)
    stored, read = 960 / median(states), len(prompt) / median(prefill)
    console.print(f"build {stored:.0f} tokens/s, prefill {read:.0f}: {stored / read:.2f}")

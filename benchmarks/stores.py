"""Vector stores at size: recall, time, memory and growth, beside plain FAISS, LangChain's store and Milvus Lite.

    python -m benchmarks.stores            # 50,000 vectors, a minute
    python -m benchmarks.stores --full     # 1,000,000 vectors of 384 numbers, with --peers for the others

Vectors are made to lie as text embeddings do: on a bent surface of few dimensions, in clusters of unequal size. A point
is a topic's place (one of 2,000, in 48 dimensions) plus half its length of noise, laid into 384 dimensions by a fixed
random map through tanh, plus a little noise in all of them. Questions are fresh draws: none of them is stored. Each
store is searched in a process of its own, whose highest resident size is its memory. Times are of one search after the
other.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from kb_server.core.ports import Vectors

DIMENSION, LATENT, TOPICS, BLOCK = 384, 48, 2_000, 20_000
QUESTIONS, K = 200, 10

Search = Callable[[Vectors], Sequence[int]]


def vectors_of(block: int, count: int) -> Vectors:
    """Return float32 [count, 384], unit length; the same block gives the same vectors."""
    world = np.random.default_rng(0)
    places = world.standard_normal((TOPICS, LATENT)).astype(np.float32)
    shape = world.standard_normal((LATENT, DIMENSION)).astype(np.float32) / np.sqrt(LATENT)
    share = 1 / np.arange(1, TOPICS + 1) ** 0.5
    chance = np.random.default_rng(1 + block)
    latent = places[chance.choice(TOPICS, count, p=share / share.sum())]
    latent = latent + 0.5 * chance.standard_normal(latent.shape, np.float32)
    rows = np.tanh(latent @ shape) + 0.05 * chance.standard_normal((count, DIMENSION), np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def blocks(count: int) -> Iterator[tuple[int, Vectors]]:
    for start in range(0, count, BLOCK):
        yield start, vectors_of(start // BLOCK, min(BLOCK, count - start))


def questions() -> Vectors:
    return vectors_of(10**6, QUESTIONS)


def truth(count: int) -> list[set[int]]:
    """Return the ids of each question's ten nearest, by brute force."""
    asked = questions()
    scores, ids = np.full((QUESTIONS, K), -2, np.float32), np.zeros((QUESTIONS, K), np.int64)
    for start, rows in blocks(count):
        found = np.hstack([scores, asked @ rows.T])
        numbers = np.hstack([ids, np.broadcast_to(np.arange(start, start + len(rows)), (QUESTIONS, len(rows)))])
        best = np.argpartition(-found, K, axis=1)[:, :K]
        scores, ids = np.take_along_axis(found, best, 1), np.take_along_axis(numbers, best, 1)
    return [set(row.tolist()) for row in ids]


def build_ours(folder: Path, count: int) -> None:
    from vectorstores.faiss.store import FaissStore

    store = FaissStore(folder, DIMENSION)
    for start, rows in blocks(count):
        store.add(range(start, start + len(rows)), rows)
        store.flush()
    store.close()


def open_ours(folder: Path, _: int) -> Search:
    from vectorstores.faiss.store import FaissStore

    store = FaissStore(folder, DIMENSION)
    return lambda question: [id_ for id_, _ in store.search(question, K)]


def build_flat(folder: Path, count: int) -> None:
    import faiss

    index = faiss.IndexFlatIP(DIMENSION)
    for _, rows in blocks(count):
        index.add(rows)
    folder.mkdir()
    faiss.write_index(index, str(folder / "flat"))


def open_flat(folder: Path, _: int) -> Search:
    import faiss

    index = faiss.read_index(str(folder / "flat"))
    return lambda question: list(index.search(question[None], K)[1][0])


def build_langchain(folder: Path, count: int) -> None:
    """Do nothing: LangChain's FAISS store keeps its texts in a pickle, so it is made where it is searched."""


def open_langchain(_: Path, count: int) -> Search:
    from langchain_community.vectorstores import FAISS
    from langchain_core.embeddings import Embeddings

    class Given(Embeddings):
        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            raise NotImplementedError

        def embed_query(self, text: str) -> list[float]:
            raise NotImplementedError

    store = None
    for start, rows in blocks(count):
        pairs = [(str(start + number), row.tolist()) for number, row in enumerate(rows)]
        if store is None:
            store = FAISS.from_embeddings(pairs, Given())
        else:
            store.add_embeddings(pairs)
    assert store is not None  # noqa: S101
    made = store
    return lambda question: [
        int(found.page_content) for found in made.similarity_search_by_vector(question.tolist(), K)
    ]


def build_milvus(folder: Path, count: int) -> None:
    from vectorstores.milvus.store import MilvusStore

    store = MilvusStore(folder, DIMENSION)
    for start, rows in blocks(count):
        store.add(range(start, start + len(rows)), rows)
        store.flush()
    store.close()


def open_milvus(folder: Path, _: int) -> Search:
    from vectorstores.milvus.store import MilvusStore

    store = MilvusStore(folder, DIMENSION)
    return lambda question: [id_ for id_, _ in store.search(question, K)]


STORES = {
    "this store": (build_ours, open_ours),
    "faiss flat": (build_flat, open_flat),
    "langchain faiss": (build_langchain, open_langchain),
    "milvus lite": (build_milvus, open_milvus),
}


def worker(name: str, step: str, folder: Path, count: int) -> dict[str, float]:
    """Build or search one store in this process."""
    started = time.perf_counter()
    if step == "build":
        STORES[name][0](folder, count)
        return {"seconds": time.perf_counter() - started, "rss": _peak()}
    if step == "add":
        return add(folder, count)
    search = STORES[name][1](folder, count)
    opened = time.perf_counter() - started
    wanted = truth_from(folder)
    for question in questions()[:20]:
        search(question)
    times, hits = [], 0
    for question, true in zip(questions(), wanted, strict=True):
        started = time.perf_counter()
        found = search(question)
        times.append(1000 * (time.perf_counter() - started))
        hits += len(true.intersection(int(id_) for id_ in found))
    p50, p95 = np.percentile(times, [50, 95])
    return {"open": opened, "p50": p50, "p95": p95, "recall": hits / (K * QUESTIONS), "rss": _peak()}


def add(folder: Path, count: int) -> dict[str, float]:
    """Add 10,000 to what is there, and look whether the index stayed the same."""
    from vectorstores.faiss.store import FaissStore

    store = FaissStore(folder, DIMENSION)
    before = (folder / "sealed.json").read_bytes() if (folder / "sealed.json").exists() else b""
    rows = vectors_of(10**7, 10_000)
    started = time.perf_counter()
    store.add(range(count, count + 10_000), rows)
    store.flush()
    added = time.perf_counter() - started
    store.search(rows[0], K)
    first = store.search(rows[7], 1)[0][0] == count + 7
    times = []
    for question in questions():
        started = time.perf_counter()
        store.search(question, K)
        times.append(1000 * (time.perf_counter() - started))
    after = (folder / "sealed.json").read_bytes() if (folder / "sealed.json").exists() else b""
    store.close()
    return {"seconds": added, "p50": float(np.median(times)), "same": before == after, "found": first, "rss": _peak()}


def truth_from(folder: Path) -> list[set[int]]:
    return [set(row) for row in json.loads((folder.parent / "truth.json").read_text())]


def _peak() -> float:
    """Return this process's highest resident size so far, in GB; getrusage would count its parent's too."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1e6


def elsewhere(name: str, step: str, folder: Path, count: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.stores", "--worker", name, step, str(folder), str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    values: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return values


def compare(place: Path, count: int, names: Sequence[str]) -> dict[str, dict[str, float]]:
    place.mkdir()
    (place / "truth.json").write_text(json.dumps([sorted(ids) for ids in truth(count)]))
    results = {}
    table = Table("store", "vectors", "build s", "build GB", "open s", "recall@10", "p50 ms", "p95 ms", "search GB")
    for name in names:
        folder = place / name.replace(" ", "-")
        built, found = elsewhere(name, "build", folder, count), elsewhere(name, "search", folder, count)
        results[name] = found
        cells = [
            built["seconds"],
            built["rss"],
            found["open"],
            found["recall"],
            found["p50"],
            found["p95"],
            found["rss"],
        ]
        table.add_row(name, f"{count:,}", *(f"{cell:.3f}" for cell in cells))
    Console(width=140).print(table)
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="1,000,000 vectors")
    parser.add_argument("--peers", default="faiss flat", help="comma-separated; Milvus Lite has 20,000 at most")
    parser.add_argument("--worker", nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        name, step, folder, count = given.worker
        print(json.dumps(worker(name, step, Path(folder), int(count)), default=float))
        return
    count = 1_000_000 if given.full else 50_000
    peers = [name for name in given.peers.split(",") if name]
    with tempfile.TemporaryDirectory() as temporary:
        small = compare(Path(temporary) / "small", 10_000, ["this store", *peers])
        large = compare(Path(temporary) / "large", count, ["this store", *(p for p in peers if p != "milvus lite")])
        folder = Path(temporary) / "large" / "this-store"
        print(json.dumps(json.loads((folder / "sealed.json").read_text())["parameters"]))
        growth = large["this store"]["p50"] / small["this store"]["p50"]
        print(f"cost of a search from 10,000 to {count:,}: {growth:.1f} times")
        print("adding 10,000:", json.dumps(elsewhere("this store", "add", folder, count)))


if __name__ == "__main__":
    main()

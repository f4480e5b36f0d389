"""LanceDB beside this store: adding, searching, recall, memory, and what a kill in the middle of adds leaves.

    python -m venv /tmp/lance && /tmp/lance/bin/pip install lancedb rich pydantic filelock faiss-cpu
    PYTHONPATH=. /tmp/lance/bin/python -m benchmarks.lancedb            # 100,000 vectors of 384 numbers

LanceDB is no dependency of the project (docs/decisions/lancedb.md says why), so it is installed apart. The vectors are
those of benchmarks.stores. Each step is a process of its own, whose highest resident size is its memory.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.stores import DIMENSION, QUESTIONS, K, blocks, questions, truth, vectors_of
from kb_server.core.ports import Vectors

BATCH = 1_000
Search = Callable[[Vectors], list[int]]


def lance_table(folder: Path) -> Any:  # noqa: ANN401 - installed apart, so unknown to mypy
    import lancedb
    import pyarrow

    schema = pyarrow.schema([("id", pyarrow.int64()), ("vector", pyarrow.list_(pyarrow.float32(), DIMENSION))])
    return lancedb.connect(folder).create_table("vectors", schema=schema, exist_ok=True)


def lance_rows(ids: range, vectors: Vectors) -> Any:  # noqa: ANN401
    import pyarrow

    flat = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(vectors.reshape(-1)), DIMENSION)
    return pyarrow.table({"id": pyarrow.array(ids), "vector": flat})


def upsert(table: Any, ids: range, vectors: Vectors) -> None:  # noqa: ANN401
    table.merge_insert("id").when_matched_update_all().when_not_matched_insert_all().execute(lance_rows(ids, vectors))


def adder(name: str, folder: Path) -> tuple[Callable[[range, Vectors], None], Callable[[], None]]:
    """Return what makes ids and vectors durable, and what waits for an index that is made in the background."""
    if name == "this store":
        from vectorstores.faiss.store import FaissStore

        store = FaissStore(folder, DIMENSION)

        def add(ids: range, vectors: Vectors) -> None:
            store.add(ids, vectors)
            store.flush()

        return add, store.close
    table = lance_table(folder)
    if name == "lancedb":
        return lambda ids, vectors: table.add(lance_rows(ids, vectors)), lambda: None
    return lambda ids, vectors: upsert(table, ids, vectors), lambda: None


def build(name: str, folder: Path, count: int, batch: int) -> dict[str, Any]:
    """Add everything, durable after each batch."""
    (add, finish), started = adder(name, folder), time.perf_counter()
    for start, rows in blocks(count):
        for first in range(0, len(rows), batch):
            part = rows[first : first + batch]
            add(range(start + first, start + first + len(part)), part)
    added = time.perf_counter() - started
    finish()
    waited = time.perf_counter() - started - added
    size = sum(1 for path in folder.rglob("*") if path.is_file())
    return {"add s": added, "wait s": waited, "GB": _peak(), "MB on disk": _size(folder), "files": size}


def index(folder: Path, count: int, kind: str) -> dict[str, Any]:
    """Make LanceDB's index over what there is."""
    table, started = lance_table(folder), time.perf_counter()
    lists = 1 if kind == "IVF_HNSW_SQ" else 2 ** round(np.log2(2 * np.sqrt(count)))
    table.create_index(metric="dot", num_partitions=int(lists), index_type=kind)
    return {"index s": time.perf_counter() - started, "GB": _peak(), "MB on disk": _size(folder)}


def searcher(name: str, folder: Path, probes: int, refine: int) -> Search:
    if name == "this store":
        from vectorstores.faiss.store import FaissStore

        store = FaissStore(folder, DIMENSION)
        return lambda question: [id_ for id_, _ in store.search(question, K)]
    table = lance_table(folder)

    def search(question: Vectors) -> list[int]:
        query = table.search(question).distance_type("dot").select(["id", "_distance"]).limit(K)
        if probes:
            query = query.nprobes(probes)
        if refine:
            query = query.refine_factor(refine)
        found: list[int] = query.to_arrow()["id"].to_pylist()
        return found

    return search


def search(name: str, folder: Path, probes: int, refine: int) -> dict[str, Any]:
    started = time.perf_counter()
    ask = searcher(name, folder, probes, refine)
    ask(questions()[0])
    opened = time.perf_counter() - started
    wanted = [set(row) for row in json.loads((folder.parent / "truth.json").read_text())]
    times, hits = [], 0
    for question, true in zip(questions(), wanted, strict=True):
        started = time.perf_counter()
        found = ask(question)
        times.append(1000 * (time.perf_counter() - started))
        hits += len(true.intersection(found))
    p50, p95 = np.percentile(times, [50, 95])
    return {"open s": opened, "p50 ms": p50, "p95 ms": p95, "recall": hits / (K * QUESTIONS), "GB": _peak()}


def later(folder: Path, count: int) -> dict[str, Any]:
    """Add 10,000 to an indexed table, delete 1,000, look at the state before, filter by ids, and tidy up."""
    table, rows, question = lance_table(folder), vectors_of(10**7, 10_000), questions()[0]
    before, seconds = table.version, {}

    def timed(name: str, call: Callable[[], object]) -> None:
        started = time.perf_counter()
        call()
        seconds[f"{name} s"] = time.perf_counter() - started

    def among(ids: range) -> object:
        query = table.search(question).distance_type("dot").where(f"id IN ({','.join(map(str, ids))})", prefilter=True)
        return query.limit(K).to_arrow()

    timed("add 10,000", lambda: table.add(lance_rows(range(count, count + 10_000), rows)))
    timed("delete 1,000", lambda: table.delete("id < 1000"))
    timed("go back", lambda: table.checkout(before))
    assert table.count_rows() == count  # noqa: S101
    table.checkout_latest()
    timed("among 500", lambda: among(range(2_000, 2_500)))
    timed("among 50,000", lambda: among(range(2_000, 52_000)))
    timed("optimize", table.optimize)
    return {**seconds, "MB on disk": _size(folder)}


def killed(name: str, folder: Path) -> dict[str, Any]:
    """Kill a process that adds, ten times over; look at what it had been told is durable."""
    lost, beyond, bytes_left = 0, 0, 0.0
    for turn in range(10):
        place = folder / str(turn)
        command = [sys.executable, "-m", "benchmarks.lancedb", "--step", "endless", name, str(place)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout  # noqa: S101
        while int(process.stdout.readline() or 0) < 10 + turn:
            pass
        time.sleep(0.003 * turn)
        os.kill(process.pid, signal.SIGKILL)
        told = int((process.communicate()[0] or str(10 + turn)).split()[-1])
        held = len(searcher_ids(name, place))
        lost += max(told * 100 - held, 0)
        beyond += max(held - told * 100, 0)
        bytes_left += _size(place) * 1e6 - held * (8 + 4 * DIMENSION)
    return {"lost": lost, "beyond what was told": beyond, "other MB": bytes_left / 1e7}


def searcher_ids(name: str, folder: Path) -> set[int]:
    if name == "this store":
        from vectorstores.faiss.store import FaissStore

        return FaissStore(folder, DIMENSION).ids()
    return set(lance_table(folder).to_arrow()["id"].to_pylist())


def endless(name: str, folder: Path) -> None:
    (add, _), rows = adder(name, folder), next(blocks(100))[1]
    for number in range(10**6):
        add(range(100 * number, 100 * number + 100), rows)
        print(number + 1, flush=True)


def _peak() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1e6


def _size(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def elsewhere(*step: object) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.lancedb", "--step", *map(str, step)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    values: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return values


KINDS = {"IVF_FLAT": [(0, 0), (20, 3)], "IVF_SQ": [(0, 0)], "IVF_HNSW_SQ": [(0, 0), (0, 3)]}  # (nprobes, refine_factor)

STEPS: dict[str, Callable[..., Any]] = {
    "build": lambda name, folder, count, batch: build(name, Path(folder), int(count), int(batch)),
    "index": lambda folder, count, kind: index(Path(folder), int(count), kind),
    "search": lambda name, folder, probes, refine: search(name, Path(folder), int(probes), int(refine)),
    "later": lambda folder, count: later(Path(folder), int(count)),
    "killed": lambda name, folder: killed(name, Path(folder)),
    "endless": lambda name, folder: endless(name, Path(folder)),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--step", nargs="+", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.step:
        print(json.dumps(STEPS[given.step[0]](*given.step[1:]), default=float))
        return
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary)
        (place / "truth.json").write_text(json.dumps([sorted(ids) for ids in truth(given.count)]))
        for name in ("this store", "lancedb", "lancedb upsert"):
            print(name, "add", elsewhere("build", name, place / name, given.count, BATCH), flush=True)
        print("this store", elsewhere("search", "this store", place / "this store", 0, 0), flush=True)
        print("lancedb without index", elsewhere("search", "lancedb", place / "lancedb", 0, 0), flush=True)
        for kind, tries in KINDS.items():
            print(kind, "made", elsewhere("index", place / "lancedb", given.count, kind), flush=True)
            for probes, refine in tries:
                found = elsewhere("search", "lancedb", place / "lancedb", probes, refine)
                print(kind, f"{probes or 'its own'} lists, refined {refine} times", found, flush=True)
        print("lancedb later", elsewhere("later", place / "lancedb", given.count), flush=True)
        for name in ("this store", "lancedb", "lancedb upsert"):
            print(name, "killed", elsewhere("killed", name, place / f"killed {name}"), flush=True)


if __name__ == "__main__":
    main()

"""What many chunks take: memory, machines and hours, by arithmetic and by simulating the ingest.

    python -m benchmarks.sizing [--chunks 1e9] [--dimension 1024] [--rate 60] [--machines 100]

`--rate` is the chunks a second of one embedding worker: measure it with `python -m benchmarks.ingest` (two cores with
bf16 did 72 of all-MiniLM-L6-v2), or with one GPU of text-embeddings-inference. The simulation gives files to workers
that are lost now and then and come back; a file that a lost worker had begun is done again by another.
"""

import argparse
import heapq
import random
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from benchmarks.report import save

GB = 1e9
TEXT_BYTES = 550  # a chunk's text, offsets and row in the catalog: 175 Chinese characters are 525 bytes of UTF-8
LEXICAL_BYTES = 420  # of the word index on the disk, measured at 100,000 chunks
FULL_SEGMENT = 1 * GB  # Milvus searches segments of about this size apart
PIECE = 10_000  # chunks that one worker takes at a time
NODE_MEMORY = 48 * GB  # of a query node with 64, the rest for growing segments and the process


@dataclass(frozen=True, slots=True)
class Index:
    """A kind of index: bytes of memory and disk for each vector of d numbers."""

    name: str
    memory: float
    disk: float


def indexes(dimension: int) -> list[Index]:
    """Return the kinds worth considering; graph edges are 4 bytes, and HNSW has 2 M of them in its lowest layer."""
    raw = 4.0 * dimension
    edges = 4.0 * 2 * 16 * 1.1
    return [
        Index("HNSW, M 16, float32", raw + edges, raw + edges),
        Index("HNSW, M 16, 8 bits", dimension + edges, raw + dimension + edges),
        Index("IVF, 8 bits", dimension + 8, raw + dimension + 8),
        Index("DISKANN", dimension / 8 + 16, raw + 4 * 56),
    ]


@dataclass(frozen=True, slots=True)
class Ingest:
    """A simulated ingest: hours, and the share of the work that was done twice."""

    hours: float
    repeated: float


def simulate(chunks: float, machines: int, rate: float, hours_to_loss: float, seed: int = 0) -> Ingest:
    """Hand out equal pieces of work until all are done; a lost machine's piece is lost and it is back after 5 minutes.

    `hours_to_loss` is the mean time a machine runs; losses come by an exponential law.
    """
    chance = random.Random(seed)
    pieces = int(-(-chunks // PIECE))
    seconds = PIECE / rate
    todo, repeated, ended = pieces, 0, 0.0
    lost_at = [chance.expovariate(1 / (3600 * hours_to_loss)) for _ in range(machines)]
    free = [(0.0, machine) for machine in range(machines)]
    while todo:
        at, machine = heapq.heappop(free)
        if at + seconds > lost_at[machine]:
            repeated += 1
            back = lost_at[machine] + 300
            lost_at[machine] = back + chance.expovariate(1 / (3600 * hours_to_loss))
            heapq.heappush(free, (max(back, at), machine))
            continue
        todo -= 1
        ended = max(ended, at + seconds)
        heapq.heappush(free, (at + seconds, machine))
    return Ingest(ended / 3600, repeated / pieces)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chunks", type=float, default=1e9)
    parser.add_argument("--dimension", type=int, default=1024)
    parser.add_argument("--rate", type=float, default=60.0, help="chunks a second of one worker")
    parser.add_argument("--machines", type=int, default=100, help="embedding workers")
    given = parser.parse_args()
    sizes = Table("index", "memory GB", "disk GB", "segments of 1 GB", "query nodes of 64 GB")
    figures: dict[str, object] = {}
    for index in indexes(given.dimension):
        memory, disk = given.chunks * index.memory / GB, given.chunks * index.disk / GB
        segments = -(-given.chunks * 4 * given.dimension // FULL_SEGMENT)
        nodes = -(-memory * GB // NODE_MEMORY)
        sizes.add_row(index.name, f"{memory:,.0f}", f"{disk:,.0f}", f"{segments:,.0f}", f"{nodes:,.0f}")
        figures[index.name] = {"memory_gb": memory, "disk_gb": disk, "segments": segments, "query_nodes": nodes}
    hours = Table("workers", "hours without a loss", "with one loss in 24 h each", "done twice")
    for machines in sorted({1, 10, given.machines}):
        plain = given.chunks / machines / given.rate / 3600
        found = simulate(given.chunks, machines, given.rate, 24)
        hours.add_row(f"{machines}", f"{plain:,.1f}", f"{found.hours:,.1f}", f"{found.repeated:.1%}")
        figures[f"{machines} workers"] = {"hours": plain, "hours_with_losses": found.hours, "repeated": found.repeated}
    console = Console(width=120)
    console.print(f"{given.chunks:,.0f} chunks of {given.dimension} numbers, {given.rate:g} chunks/s for each worker")
    console.print(sizes, hours)
    text, words = given.chunks * TEXT_BYTES / GB, given.chunks * LEXICAL_BYTES / GB
    console.print(f"texts and rows {text:,.0f} GB, word index {words:,.0f} GB")
    save("sizing", {**figures, "text_gb": text, "lexical_gb": words})


if __name__ == "__main__":
    main()

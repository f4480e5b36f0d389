"""Snapshot, restore, export and import of a large base: time and disk.

    python -m benchmarks.snapshots [--chunks 100000]

Documents of ten chunks with random vectors are put into catalog, FAISS and word index as an import does it. Then one
document in a hundred is replaced and one in a hundred removed, and the snapshot from before is restored.
"""

import argparse
import io
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.search import paragraph
from kb_server.app import Application
from kb_server.bases.open_base import OpenBase
from kb_server.catalog.pending import Arrival
from kb_server.config.settings import load_settings
from kb_server.core.domain import Document, Slice

CHUNKS_A_DOCUMENT = 10


def disk(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def timed(label: str, action: Callable[[], object]) -> None:
    started = time.perf_counter()
    action()
    print(f"{label:<34}{time.perf_counter() - started:8.2f} s")


def arrival(opened: OpenBase, number: int, chance: random.Random) -> Arrival:
    parts = [paragraph(chance) for _ in range(CHUNKS_A_DOCUMENT)]
    text, slices = "\n".join(parts), []
    start = 0
    for part in parts:
        slices.append(Slice(start=start, end=start + len(part), page=None, heading_path=()))
        start += len(part) + 1
    kept = opened.files.keep_stream(io.BytesIO(text.encode()))
    return Arrival(
        sha256=kept.sha256,
        file=kept.name,
        size=kept.size,
        document=Document(name=f"{number:06}.txt", text=text, blocks=()),
        slices=slices,
    )


def put(opened: OpenBase, numbers: range, chance: random.Random) -> None:
    noise = np.random.default_rng(chance.getrandbits(32))
    ids: list[int] = []
    for start in range(numbers.start, numbers.stop, 200):
        part = range(start, min(start + 200, numbers.stop))
        pending, _ = opened.documents.begin_all([arrival(opened, number, chance) for number in part])
        for item in pending:
            rows = noise.standard_normal((len(item.vector_ids), opened.base.dimension), np.float32)
            opened.take_in(item, rows / np.linalg.norm(rows, axis=1, keepdims=True))
        ids += [item.document_id for item in pending]
    opened.publish(ids)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chunks", type=int, default=100_000)
    count = parser.parse_args().chunks // CHUNKS_A_DOCUMENT
    chance = random.Random(0)
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary) / "home"
        app = Application(load_settings(arguments={"home": home}))
        base = app.catalog.bases.create("large", "faiss", "none", "none", 384)
        opened = app.bases.pool.open(base)
        timed(f"load {count * CHUNKS_A_DOCUMENT:,} chunks", lambda: put(opened, range(count), chance))
        before = disk(home)
        timed("snapshot create", lambda: app.bases.snapshots.create("large", "first"))
        print(f"{'extra disk':<34}{100 * (disk(home) - before) / before:8.2f} %   of {before / 1e6:,.0f} MB")
        names = [f"{number:06}.txt" for number in range(0, count, 100)]
        put(opened, range(count // 2, count // 2 + count // 100), chance)
        app.bases.remove("large", names)
        timed("snapshot diff", lambda: app.bases.snapshots.diff("large", "first"))
        timed("snapshot restore (2% differ)", lambda: app.bases.snapshots.restore("large", "first"))
        file = Path(temporary) / "large.kb.zip"
        timed("export", lambda: app.bases.exporter.run("large", file))
        timed("import", lambda: app.bases.import_file(file, "copy"))
        app.close()


if __name__ == "__main__":
    main()

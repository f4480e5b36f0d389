"""Search time beyond embedding the question, and ingesting again, at 10,000 chunks.

    python -m benchmarks.search [--chunks N]

Texts are generated Chinese and English sentences; vectors are random, since only what happens after embedding is timed.
Catalog, FAISS and word index are the real ones.
"""

import argparse
import random
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from kb_server.bootstrap import Application
from kb_server.ports import Vectors
from kb_server.settings import load_settings

WORDS = [f"word{i}" for i in range(5000)]
CHARACTERS = [chr(code) for code in range(0x4E00, 0x4E00 + 2500)]


class RandomEmbedder:
    """Unit vectors that mean nothing, as fast as can be."""

    name, dimension, fingerprint = "random", 384, "random"

    def __init__(self) -> None:
        self._random = np.random.default_rng(0)

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        vectors = self._random.normal(size=(len(texts), self.dimension)).astype(np.float32)
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))

    def embed_query(self, text: str) -> Vectors:
        return np.asarray(self.embed_passages([text])[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chunks", type=int, default=10_000)
    chunks = parser.parse_args().chunks
    chance = random.Random(0)
    with tempfile.TemporaryDirectory() as folder:
        documents = Path(folder) / "documents"
        documents.mkdir()
        for number in range(chunks // 10):
            paragraphs = [paragraph(chance) for _ in range(10)]
            (documents / f"{number:05}.md").write_text("\n\n".join(f"# {i}\n\n{p}" for i, p in enumerate(paragraphs)))
        application = Application(load_settings(arguments={"home": Path(folder) / "home"}))
        application._embedders["all-MiniLM-L6-v2"] = RandomEmbedder()
        application.create("speed")
        first = application.ingestion("speed").run([documents])
        again = application.ingestion("speed").run([documents])
        retriever = application.retriever("speed")
        times = []
        for _ in range(200):
            question = " ".join(chance.choices(WORDS, k=8)) + "".join(chance.choices(CHARACTERS, k=6))
            started = time.perf_counter()
            retriever.search(question, 5)
            times.append(1000 * (time.perf_counter() - started))
        table = Table("chunks", "ingest s (no embedding)", "again s", "search p50 ms", "p95 ms")
        p50, p95 = np.percentile(times, [50, 95])
        table.add_row(str(first.chunks), f"{first.seconds:.1f}", f"{again.seconds:.2f}", f"{p50:.1f}", f"{p95:.1f}")
        Console().print(table)
        application.close()


def paragraph(chance: random.Random) -> str:
    english = ". ".join(" ".join(chance.choices(WORDS, k=12)).capitalize() for _ in range(6))
    chinese = "。".join("".join(chance.choices(CHARACTERS, k=20)) for _ in range(3))
    return f"{english}. {chinese}。"


if __name__ == "__main__":
    main()

"""Retrieval at size: time of a question, memory and disk a chunk, ingesting again; beside an EnsembleRetriever.

    python -m benchmarks.search [--chunks 10000] [--full] [--peers FOLDER] [--keep FOLDER]

--full is 10,000 and 100,000 chunks. Texts are generated Chinese and English sentences about one of 500 topics each;
stored vectors are the mean of their words' random vectors, so they lie in clusters and words and vectors agree more or
less, as they do in life, and both indexes are asked. The time to embed a question is that of the real model.
Catalog, FAISS and word index are the real ones, searched in a process that has just been started. The peer does what
Langchain-Chatchat does: BM25Retriever built from all chunks for each question, and FAISS, in an EnsembleRetriever
(`pip install --target FOLDER --no-deps langchain-community langchain-classic rank-bm25`); where those are missing it is
left out by name. Without --keep the bases are made in a temporary folder.
"""

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.report import anonymous, processor_seconds, resident, save
from kb_server.app import Application
from kb_server.config.settings import load_settings
from kb_server.core.domain import Fusion
from kb_server.core.ports import Vectors

WORDS = [f"word{i}" for i in range(5000)]
CHARACTERS = [chr(code) for code in range(0x4E00, 0x4E00 + 2500)]
TOPICS = 500
MODEL = "all-MiniLM-L6-v2"
_TOKEN = re.compile(r"[a-z]+\d+|[\u4e00-\u9fff]")
QUESTIONS, PEER_QUESTIONS = 200, 3


class WordEmbedder:
    """The mean of words' and characters' random vectors, as fast as can be."""

    name, dimension, fingerprint = "words", 384, "words"

    def __init__(self) -> None:
        self._numbers = {token: number for number, token in enumerate(WORDS + CHARACTERS)}
        self._table = np.random.default_rng(0).normal(size=(len(self._numbers), self.dimension)).astype(np.float32)

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        vectors = np.array([self._table[self._known(text)].sum(0) for text in texts]).reshape(-1, self.dimension)
        return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9), np.float32)

    def embed_query(self, text: str) -> Vectors:
        return np.asarray(self.embed_passages([text])[0])

    def _known(self, text: str) -> list[int]:
        return [self._numbers[token] for token in _TOKEN.findall(text.lower()) if token in self._numbers]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chunks", type=int, nargs="*", default=[10_000])
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--peers", type=Path)
    parser.add_argument("--keep", type=Path, help="folder for the bases; those that are there are not made again")
    parser.add_argument("--run", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.run:
        print(json.dumps({"build": build, "search": search, "peer": peer}[given.run[0]](Path(given.run[1]))))
        return
    with tempfile.TemporaryDirectory() as temporary:
        place = given.keep or Path(temporary)
        sizes = [10_000, 100_000] if given.full else given.chunks
        show({size: measure(place / str(size), size, given.peers) for size in sizes})


def measure(folder: Path, chunks: int, peers: Path | None) -> dict[str, Any]:
    """Return the figures of a base of that size."""
    if not folder.exists():
        folder.mkdir(parents=True)
        (folder / "chunks").write_text(str(chunks))
    built = folder / "built.json"
    if not built.exists():
        built.write_text(json.dumps(elsewhere("build", folder, None)))
    found: dict[str, Any] = json.loads(built.read_text()) | elsewhere("search", folder, None)
    other = elsewhere("peer", folder, peers)
    return found | {"peer_p50": other.get("p50"), "peer_missing": other.get("missing")}


def show(found: dict[int, dict[str, Any]]) -> None:
    table = Table(
        *(
            "chunks",
            "ingest s",
            "again s",
            "p50 ms",
            "p95",
            "with embedding p50",
            "disk KB",
            "resident KB",
            "no file KB",
        ),
        "EnsembleRetriever p50 ms",
    )
    for size, figures in found.items():
        cells = [
            figures[key]
            for key in ("seconds", "again", "p50", "p95", "whole_p50", "disk_kb", "resident_kb", "anonymous_kb")
        ]
        peer_ms = (
            f"{figures['peer_p50']:,.0f} ({figures['peer_p50'] / figures['p50']:,.0f}x)"
            if figures["peer_p50"]
            else f"skipped: {figures['peer_missing']} is not installed"
        )
        table.add_row(f"{size:,}", *(f"{cell:,.2f}" for cell in cells), peer_ms)
    Console(width=140).print(table)
    print("disk and memory are a chunk's, beyond its text; `no file`: without pages of mapped files")
    save("search", {str(size): figures for size, figures in found.items()})


def elsewhere(step: str, folder: Path, peers: Path | None) -> dict[str, Any]:
    path = os.pathsep.join(str(place) for place in (Path.cwd(), peers) if place)
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.search", "--run", step, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": path})
    if done.returncode:
        raise SystemExit(done.stderr)
    values: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return values


def opened(folder: Path) -> Application:
    application = Application(load_settings(arguments={"home": folder / "home"}))
    application.models.use_embedder(MODEL, WordEmbedder())
    return application


def build(folder: Path) -> dict[str, Any]:
    chunks = int((folder / "chunks").read_text())
    chance = random.Random(0)
    documents = folder / "documents"
    documents.mkdir()
    for number in range(chunks // 20):
        paragraphs = [paragraph(chance) for _ in range(10)]
        text = "\n\n".join(f"# {i}\n\n{words}" for i, words in enumerate(paragraphs))
        (documents / f"{number:05}.md").write_text(text, "utf-8")
    application = opened(folder)
    application.bases.create("speed")
    begun = processor_seconds()
    first = application.ingest.pipeline("speed").run([documents])
    spent = processor_seconds() - begun
    again = application.ingest.pipeline("speed").run([documents])
    application.close()
    return {"made": first.chunks, "seconds": first.seconds, "processor": spent, "again": again.seconds}


def search(folder: Path) -> dict[str, Any]:
    real = Application(load_settings(arguments={"home": folder / "home"})).models.embedder(MODEL)
    real.embed_query("warm")
    application = opened(folder)
    before, before_held = resident(), anonymous()
    retriever = application.search.retriever("speed")
    retriever._fusion = Fusion({"cjk": 0.5, "other": 0.5}, 0)  # both indexes are asked, whatever was fitted
    chance = random.Random(1)
    times, whole = [], []
    for number in range(QUESTIONS + 20):
        question = asked(chance)
        started = time.perf_counter()
        retriever.search(question, 5)
        searched = time.perf_counter()
        real.embed_query(question)
        if number >= 20:
            times.append(1000 * (searched - started))
            whole.append(1000 * (time.perf_counter() - started))
    grown, held = resident() - before, anonymous() - before_held
    documents = application.catalog.documents(application.bases.find("speed"))
    count = documents.chunks.count()
    text = sum(len(file.read_bytes()) for file in (folder / "documents").iterdir())
    disk = sum(file.stat().st_size for file in (folder / "home").rglob("*") if file.is_file())
    application.close()
    p50, p95 = np.percentile(times, [50, 95])
    return {
        "p50": float(p50),
        "p95": float(p95),
        "whole_p50": float(np.median(whole)),
        "disk_kb": (disk - 3 * text) / count / 1e3,  # the original, the document's text and the chunks' are text
        "resident_kb": grown * 1e3 / count,
        "anonymous_kb": held * 1e3 / count,
    }


def peer(folder: Path) -> dict[str, Any]:
    try:
        from langchain_classic.retrievers import EnsembleRetriever
        from langchain_community.retrievers import BM25Retriever
        from langchain_community.vectorstores import FAISS
        from langchain_core.documents import Document
        from langchain_core.embeddings import Embeddings
    except ImportError as error:
        return {"missing": str(error.name)}

    class Words(WordEmbedder, Embeddings):
        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            rows: list[list[float]] = self.embed_passages(texts).tolist()
            return rows

        def embed_query(self, text: str) -> list[float]:  # type: ignore[override] # LangChain's vectors are lists
            return self.embed_documents([text])[0]

    application = opened(folder)
    rows = application.catalog.documents(application.bases.find("speed"))
    texts = [chunk.text for chunk in rows.chunks.by_vector(rows.chunks.vector_ids()).values()]
    application.close()
    documents = [Document(text) for text in texts]
    dense = FAISS.from_documents(documents, Words()).as_retriever(search_kwargs={"k": 5})
    chance, times = random.Random(1), []
    for _ in range(PEER_QUESTIONS):
        question = asked(chance)
        started = time.perf_counter()
        lexical = BM25Retriever.from_documents(documents, k=5)
        EnsembleRetriever(retrievers=[lexical, dense], weights=[0.5, 0.5]).invoke(question)
        times.append(1000 * (time.perf_counter() - started))
    return {"p50": float(np.median(times))}


def asked(chance: random.Random) -> str:
    words, characters = topic(chance)
    return " ".join(chance.choices(words, k=8)) + "".join(chance.choices(characters, k=6))


def paragraph(chance: random.Random) -> str:
    words, characters = topic(chance)
    english = ". ".join(" ".join(chance.choices(words, k=12)).capitalize() for _ in range(6))
    chinese = "。".join("".join(chance.choices(characters, k=20)) for _ in range(3))
    return f"{english}. {chinese}。"


def topic(chance: random.Random) -> tuple[list[str], list[str]]:
    """Return the words and characters of a topic: half of them its own, half anything."""
    own = random.Random(chance.randrange(TOPICS))
    words = own.sample(WORDS, 30) + chance.sample(WORDS, 30)
    return words, own.sample(CHARACTERS, 30) + chance.sample(CHARACTERS, 30)


if __name__ == "__main__":
    main()

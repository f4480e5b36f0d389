"""Ingesting Chinese news: this program, its embedding engine alone, and the stock LangChain pipeline, in turn.

    python -m benchmarks.ingest [--full] [--articles N] [--rounds R] [--peers FOLDER]
    python -m benchmarks.ingest --memory              # peak memory with one file and with three

The stock pipeline is RecursiveCharacterTextSplitter, HuggingFaceEmbeddings on the same model and FAISS.from_documents,
with the chunk size that gives chunks as long as ours; it takes langchain-community (`pip install --target FOLDER
--no-deps langchain-community langchain-classic`) and is left out by name where that is missing. Each run is a process
of its own; its seconds begin when its models are loaded and cover everything else. Ours also writes originals,
catalog and word index and fits its fusion. Without --full each file has its first N articles, and the stock pipeline
always has N. Files: shared/data/news-zh, else generated text.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.report import peak_memory, processor_seconds, save
from benchmarks.squad import SHARED
from kb_server.app import Application
from kb_server.config.settings import load_settings

NEWS = SHARED.parent / "news-zh"
MODEL = "all-MiniLM-L6-v2"
STOCK_SIZE, STOCK_OVERLAP = 245, 30  # characters; the chunks come out as long as ours
COMPARED = 256  # texts whose vectors are compared


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="all articles for this program and its engine")
    parser.add_argument("--articles", type=int, default=60, help="of each file")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--peers", type=Path, help="folder with the peer's packages")
    parser.add_argument("--run", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.run:
        print(json.dumps(RUNS[given.run[0]](Path(given.run[1]))))
        return
    with tempfile.TemporaryDirectory() as temporary:
        few, files = Path(temporary) / "few", Path(temporary) / "files"
        write(few, given.articles)
        write(files, None if given.full or given.memory else given.articles)
        if given.memory:
            memory(files)
        else:
            speed(few, files, given.rounds, given.peers)


def write(folder: Path, articles: int | None) -> None:
    """Write the three files, cut to some articles."""
    folder.mkdir()
    for number in range(1, 4):
        file = NEWS / f"part-{number}.txt"
        lines = file.read_text("utf-8").splitlines() if file.exists() else generated(number)
        (folder / file.name).write_text("\n".join(lines[:articles]) + "\n", "utf-8")


def generated(seed: int) -> list[str]:
    chance = random.Random(seed)
    characters = [chr(code) for code in range(0x4E00, 0x4E00 + 2500)]

    def sentence() -> str:
        return "".join(chance.choices(characters, k=chance.randrange(15, 45))) + "。"

    return ["".join(sentence() for _ in range(25)) for _ in range(1_900)]


def speed(few: Path, files: Path, rounds: int, peers: Path | None) -> None:
    found: dict[str, list[dict[str, Any]]] = {"ours": [], "engine alone": [], "stock": []}
    skipped: dict[str, str] = {}
    for _ in range(rounds):
        for name in list(found):
            run = elsewhere(name, few if name == "stock" else files, peers)
            if "missing" in run:
                skipped[name] = f"skipped: {run['missing']} is not installed"
                del found[name]
            else:
                found[name].append(run)
    table = Table("", "chunks", "characters", "s", "chunks/s", "processor s", "chunks/processor s", "peak MB")
    rates = {}
    for name, runs in found.items():
        middle = {
            key: median(run[key] for run in runs) for key in ("chunks", "characters", "seconds", "processor", "peak")
        }
        rate, economy = middle["chunks"] / middle["seconds"], middle["chunks"] / middle["processor"]
        rates[name] = {**middle, "chunks_per_second": rate, "chunks_per_processor_second": economy}
        cells = [f"{middle['chunks']:,.0f}", f"{middle['characters']:.0f}", f"{middle['seconds']:.1f}", f"{rate:.1f}"]
        table.add_row(name, *cells, f"{middle['processor']:.1f}", f"{economy:.1f}", f"{middle['peak']:.0f}")
    for name, reason in skipped.items():
        table.add_row(f"{name} ({reason})")
    Console(width=120).print(table)
    ratios = {f"ours / {name}": ratio(found, name) for name in found if name != "ours"}
    cosine = lowest_cosine(found)
    print("medians of the rounds' ratios:", json.dumps(ratios), "lowest cosine of vectors:", cosine)
    save("ingest", {"runs": rates, "ratios": ratios, "lowest_cosine": cosine, "skipped": skipped})


def ratio(found: dict[str, list[dict[str, Any]]], name: str) -> dict[str, float]:
    """Return how many times the chunks of another run this program does, by the clock and by the processor."""

    def times(key: str) -> float:
        pairs = zip(found["ours"], found[name], strict=True)
        rates = [(ours["chunks"] / ours[key]) / (run["chunks"] / run[key]) for ours, run in pairs]
        return round(float(median(rates)), 2)

    return {"clock": times("seconds"), "processor": times("processor")}


def lowest_cosine(found: dict[str, list[dict[str, Any]]]) -> float | None:
    """Compare the vectors that the stock pipeline and our engine have of the same texts."""
    if "stock" not in found:
        return None
    texts, theirs = found["stock"][0]["texts"], np.array(found["stock"][0]["vectors"], np.float32)
    with tempfile.TemporaryDirectory() as home:
        ours = Application(load_settings(arguments={"home": home})).models.embedder(MODEL).embed_passages(texts)
    theirs /= np.linalg.norm(theirs, axis=1, keepdims=True)
    return round(float((ours * theirs).sum(axis=1).min()), 6)


def memory(files: Path) -> None:
    one = files.parent / "one"
    one.mkdir()
    (one / "part-1.txt").write_bytes((files / "part-1.txt").read_bytes())
    found = {
        name: elsewhere("ours", folder, None)["peak"] for name, folder in (("one file", one), ("three files", files))
    }
    growth = found["three files"] / found["one file"] - 1
    print(
        f"peak memory: one file {found['one file']:.0f} MB, three files {found['three files']:.0f} MB ({growth:+.1%})"
    )
    save("ingest-memory", found)


def elsewhere(name: str, folder: Path, peers: Path | None) -> dict[str, Any]:
    path = os.pathsep.join(str(place) for place in (Path.cwd(), peers) if place)
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.ingest", "--run", name, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": path})
    if done.returncode:
        raise SystemExit(done.stderr)
    values: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return values


def ours(folder: Path) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as home:
        application = Application(load_settings(arguments={"home": home}))
        application.bases.create("news")
        application.models.embedder(MODEL).embed_query("warm")
        begun = beginning()
        report = application.ingest.pipeline("news").run([folder])
        chunks = application.catalog.documents(application.bases.find("news")).chunks
        texts = list(chunks.by_vector(chunks.vector_ids()[:2000]).values())
        application.close()
        return measured(begun, report.chunks, [chunk.searchable for chunk in texts])


def engine_alone(folder: Path) -> dict[str, Any]:
    from loaders import load
    from loaders.split.splitter import SentenceSplitter

    documents = [load(file, file.name) for file in sorted(folder.iterdir())]
    texts = [
        document.text[part.start : part.end] for document in documents for part in SentenceSplitter().split(document)
    ]
    with tempfile.TemporaryDirectory() as home:
        embedder = Application(load_settings(arguments={"home": home})).models.embedder(MODEL)
        embedder.embed_query("warm")
        begun = beginning()
        embedder.embed_passages(texts)
        return measured(begun, len(texts), texts)


def stock(folder: Path) -> dict[str, Any]:
    try:
        from langchain_community.embeddings import HuggingFaceEmbeddings
        from langchain_community.vectorstores import FAISS
        from langchain_core.documents import Document
        from langchain_text_splitters import RecursiveCharacterTextSplitter
    except ImportError as error:
        return {"missing": str(error.name)}
    from kb_server.embedding.model_folder import minilm

    embeddings = HuggingFaceEmbeddings(model_name=str(minilm()), model_kwargs={"device": "cpu"})
    embeddings.embed_query("warm")
    begun = beginning()
    documents = [Document(file.read_text("utf-8"), metadata={"source": file.name}) for file in sorted(folder.iterdir())]
    splitter = RecursiveCharacterTextSplitter(chunk_size=STOCK_SIZE, chunk_overlap=STOCK_OVERLAP)
    chunks = splitter.split_documents(documents)
    store = FAISS.from_documents(chunks, embeddings)
    texts = [chunk.page_content for chunk in chunks]
    values = measured(begun, len(texts), texts)
    step = max(len(texts) // COMPARED, 1)
    rows = range(0, len(texts), step)
    vectors = [store.index.reconstruct(row).tolist() for row in rows]
    return values | {"texts": [texts[row] for row in rows], "vectors": vectors}


RUNS = {"ours": ours, "engine alone": engine_alone, "stock": stock}


def beginning() -> tuple[float, float]:
    return time.perf_counter(), processor_seconds()


def measured(begun: tuple[float, float], chunks: int, texts: Sequence[str]) -> dict[str, Any]:
    return {
        "seconds": time.perf_counter() - begun[0],
        "processor": processor_seconds() - begun[1],
        "chunks": chunks,
        "characters": float(np.mean([len(text) for text in texts])),
        "peak": peak_memory(),
    }


if __name__ == "__main__":
    main()

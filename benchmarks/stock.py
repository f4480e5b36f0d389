"""The same cases through a stock LangChain pipeline and through this program.

    python -m benchmarks.stock [FILE.json …] [--questions N] [--answers M] [--written W] [--out DIR]

The stock pipeline is what tutorials build: RecursiveCharacterTextSplitter (1,000 characters, 200 shared), the same
embedder, a flat FAISS index by L2 distance, the four nearest chunks stuffed into a prompt, the same language model. N
questions are retrieved, M of them answered by the stock pipeline and by this program's default, W also by its mode
`generate` (the model writes several seconds for an answer on two cores). Each run is a folder that `kb compare` reads;
run again, it goes on where it stopped.
"""

import argparse
import json
import random
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

import faiss
import numpy as np
from langchain_core.prompts import ChatPromptTemplate
from langchain_text_splitters import RecursiveCharacterTextSplitter
from rich.console import Console
from rich.table import Table

from benchmarks.squad import SHARED, read_squad
from kb_server.answering.ask import Ask
from kb_server.app import Application
from kb_server.config.settings import load_settings
from kb_server.core.answers import Answer, AnswerMode, Message, Sampling
from kb_server.core.domain import Chunk, EvalCase, Hit
from kb_server.core.ports import Embedder, Generator, Vectors
from kb_server.evaluation.cost import MeteredGenerator
from kb_server.evaluation.evaluate import DEPTH, Respondent, answer_cases
from kb_server.evaluation.run_folder import RunFolder
from kb_server.evaluation.scoring import score, summarise

DEFAULT = (SHARED / "xquad-even.en.json", SHARED / "cmrc2018-dev.zh.json")
STUFFED = 4
PROMPT = ChatPromptTemplate(
    [
        ("system", "Answer the question from the context below. If you don't know, say so. Be brief.\n\n{context}"),
        ("human", "{question}"),
    ]
)
ROLES = {"system": "system", "human": "user", "ai": "assistant"}
UNKNOWN = ("don't know", "do not know", "not mentioned", "不知道", "没有提到")
COLUMNS = ("recall@1", "recall@5", "mrr@10", "contains", "f1", "rouge_l", "citation_precision")

RANKS = ("recall@", "mrr")


class StockPipeline:
    """Splitter, embedder, flat index, stuffed prompt, model."""

    def __init__(
        self, folder: Path, embedder: Embedder, generator: Callable[[], Generator | None], tokens: int
    ) -> None:
        splitter = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200)
        self._chunks = [
            Chunk(
                id=number, document_id=1, document=name, text=text, start=0, end=len(text), page=None, heading_path=()
            )
            for number, (name, text) in enumerate(
                (file.name, text)
                for file in sorted(folder.iterdir())
                for text in splitter.split_text(file.read_text("utf-8"))
            )
        ]
        self._embedder = embedder
        self._generator = generator
        self._sampling = Sampling(max_tokens=tokens)
        self._index = faiss.IndexFlatL2(embedder.dimension)
        self._index.add(embedded(folder.with_name("stock.npy"), embedder, [chunk.text for chunk in self._chunks]))

    def retrieve(self, question: str) -> Answer:
        """Return the nearest chunks, without an answer."""
        started = perf_counter()
        vector = self._embedder.embed_query(question)[None].astype(np.float32)
        distances, ids = self._index.search(vector, min(DEPTH, len(self._chunks)))
        hits = tuple(
            Hit(chunk=self._chunks[id_], score=float(1 - distance / 4))
            for distance, id_ in zip(distances[0], ids[0], strict=True)
        )
        timings = {"total": 1000 * (perf_counter() - started)}
        return Answer(
            text="", refused=False, citations=(), hits=hits, mode=AnswerMode.GENERATE, model=None, timings_ms=timings
        )

    def ask(self, question: str) -> Answer:
        """Return what the model writes from the four nearest chunks, fewer if they do not fit its window."""
        started = perf_counter()
        found = self.retrieve(question)
        generator = self._generator()
        if generator is None:
            raise TypeError("a pipeline without a model was asked to answer")
        stuffed = list(found.hits[:STUFFED])
        while len(stuffed) > 1 and self._too_long(generator, question, stuffed):
            stuffed.pop()
        text = "".join(generator.stream(_messages(question, stuffed), self._sampling)).strip()
        timings = {"retrieve": found.timings_ms["total"], "total": 1000 * (perf_counter() - started)}
        refused = any(said in text.lower() for said in UNKNOWN)
        return replace(found, text=text, refused=refused, model=generator.name, timings_ms=timings)

    def _too_long(self, generator: Generator, question: str, hits: Sequence[Hit]) -> bool:
        needed = generator.count_tokens(_messages(question, hits)) + self._sampling.max_tokens
        return needed > generator.context_window


def embedded(file: Path, embedder: Embedder, texts: Sequence[str]) -> Vectors:
    """Return the vectors of the texts, kept in a file for when the run goes on."""
    if file.exists() and len(kept := np.load(file)) == len(texts):
        return np.asarray(kept, np.float32)
    vectors = embedder.embed_passages(texts)
    np.save(file, vectors)
    return vectors


def _messages(question: str, hits: Sequence[Hit]) -> list[Message]:
    context = "\n\n".join(hit.chunk.text for hit in hits)
    filled = PROMPT.format_messages(context=context, question=question)
    return [Message(ROLES[message.type], str(message.content)) for message in filled]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, default=DEFAULT)
    parser.add_argument("--questions", type=int, default=10_000)
    parser.add_argument("--paragraphs", type=int, default=10_000, help="only the first of the file")
    parser.add_argument("--answers", type=int, default=60)
    parser.add_argument("--written", type=int, default=0)
    parser.add_argument("--tokens", type=int, default=100, help="longest answer of the model")
    parser.add_argument("--out", type=Path, default=Path(tempfile.gettempdir()) / "kb-stock")
    options = parser.parse_args()
    for file in options.files:
        if file.exists():
            measure(file, options)
        else:
            Console().print(f"skipped: {file} is not there")


def measure(file: Path, options: argparse.Namespace) -> None:
    out = options.out / file.stem
    documents = out / "documents"
    cases = [
        EvalCase(id=str(number), question=case.question, answers=case.answers, documents=(case.document,))
        for number, case in enumerate(read_squad(file, documents))
    ]
    keep_first(documents, options.paragraphs)
    cases = [case for case in cases if (documents / case.documents[0]).exists()]
    cases = random.Random(0).sample(cases, min(options.questions, len(cases)))
    arguments = {"home": out / "home", "generation": {"max_tokens": options.tokens}}
    application = Application(load_settings(arguments=arguments))
    ours = ask_ours(application, documents)
    meter = MeteredGenerator(application.models.generator()) if options.answers else None
    stock = StockPipeline(documents, application.models.embedder("all-MiniLM-L6-v2"), lambda: meter, options.tokens)
    few, written = cases[: options.answers], cases[: options.written]
    found: list[tuple[str, dict[str, Any], tuple[str, ...]]] = [
        ("stock, retrieval", run(out / "stock-retrieval", cases, Respondent(stock.retrieve)), RANKS),
        ("ours, retrieval", run(out / "ours-retrieval", cases, Respondent(retrieve_ours(application))), RANKS),
    ]
    if meter:
        found += [
            ("ours, default", run(out / "ours", few, Respondent(ours(AnswerMode.EXTRACT))), ()),
            ("stock, answers", run(out / "stock", few, Respondent(stock.ask, meter.take)), ()),
            ("ours, generate", run(out / "ours-generate", written, Respondent(ours(AnswerMode.GENERATE))), ()),
        ]
    show(file, found)
    application.close()


def keep_first(documents: Path, count: int) -> None:
    """Delete all but the first documents by name."""
    for file in sorted(documents.iterdir())[count:]:
        file.unlink()


def ask_ours(application: Application, documents: Path) -> Callable[[AnswerMode], Callable[[str], Answer]]:
    """Return for a mode how this program answers; ingests first, where that is not done."""
    if not application.bases.all():
        application.bases.create("stock")
    application.ingest.pipeline("stock").run([documents])
    answering, base = application.answering, application.bases.find("stock")
    return lambda mode: lambda question: answering.answer(Ask(question=question, mode=mode, k=DEPTH), [base])


def retrieve_ours(application: Application) -> Callable[[str], Answer]:
    """Return how this program retrieves, without an answer."""
    retriever = application.search.retriever("stock")

    def retrieve(question: str) -> Answer:
        found = retriever.search(question, DEPTH)
        timings = {"total": sum(found.timings_ms.values())}
        return Answer(
            text="",
            refused=False,
            citations=(),
            hits=tuple(found.hits),
            mode=AnswerMode.EXTRACT,
            model=None,
            timings_ms=timings,
        )

    return retrieve


def run(path: Path, cases: Sequence[EvalCase], respondent: Respondent) -> dict[str, Any]:
    folder = RunFolder(path)
    folder.begin({"cases": len(cases)})
    outcomes = score(answer_cases(cases, respondent, folder, 1, lambda *_: None).outcomes)
    folder.replace(outcomes)
    summary = summarise(outcomes)
    folder.write("summary.json", json.dumps(summary, ensure_ascii=False, indent=2) + "\n")
    return summary


def show(file: Path, found: Sequence[tuple[str, dict[str, Any], tuple[str, ...]]]) -> None:
    """Print a row a run; a run that only retrieves shows only what `starts` names."""
    table = Table("", "n", *COLUMNS, "ms p50", title=file.name)
    for label, summary, starts in found:
        values = {**summary["retrieval"], **summary["answers"]}
        shown = [
            f"{values[name]:.3f}" if values[name] is not None and (not starts or name.startswith(starts)) else "–"
            for name in COLUMNS
        ]
        table.add_row(label, str(summary["n"]), *shown, str(summary["latency_ms"]["p50"] or "–"))
    Console(width=140).print(table)


if __name__ == "__main__":
    main()

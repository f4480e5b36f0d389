"""Retrieval and answers on SQuAD-format sets, default profile.

    python -m benchmarks.quality [FILE.json …] [--questions N] [--mode extract|generate]

For each file: recall@1 and MRR@10 of dense, lexical and fused search (by document), then the share of answers that
hold a gold answer, with how many sentences they have, and the share of quotes that are substrings of their chunk.
"""

import argparse
import random
import re
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, median
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.report import save
from benchmarks.squad import SHARED, Case, read_squad
from kb_server.answering.ask import Ask
from kb_server.answering.citations.support import normalised
from kb_server.app import Application
from kb_server.config.settings import load_settings
from kb_server.core.answers import Answer, AnswerMode
from kb_server.core.domain import Hit, SearchMode
from kb_server.text.sentences import sentences

_MARK = re.compile(r"\[\d+\]")
DEFAULT = (SHARED / "xquad-even.en.json", SHARED / "cmrc2018-dev.zh.json")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, default=DEFAULT)
    parser.add_argument("--questions", type=int, default=800, help="a random sample of each file's questions")
    parser.add_argument("--mode", type=AnswerMode, default=AnswerMode.EXTRACT)
    parser.add_argument("--answers", type=int, default=800, help="how many of the questions are answered too")
    options = parser.parse_args()
    console = Console()
    found: dict[str, Any] = {}
    for file in options.files:
        if not file.exists():
            console.print(f"skipped: {file} is not there")
            continue
        found[file.name] = measure(console, file, options.questions, options.answers, options.mode)
    save("quality", found)


def measure(console: Console, file: Path, questions: int, answers: int, mode: AnswerMode) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        cases = read_squad(file, Path(folder) / "documents")
        if len(cases) > questions:
            cases = random.Random(0).sample(cases, questions)
        application = Application(load_settings(arguments={"home": Path(folder) / "home"}))
        application.bases.create("quality")
        report = application.ingest.pipeline("quality").run([Path(folder) / "documents"])
        fusion = application.bases.find("quality").fusion
        console.print(
            f"[bold]{file.name}[/]: {report.added} documents, {report.chunks} chunks in {report.seconds:.1f} s, "
            f"{len(cases)} questions, fitted weights {dict(fusion.weights) if fusion else None}"
        )
        found = {"seconds": report.seconds, "search": retrieval(console, application, cases)}
        found |= {"answers": answering(console, application, cases[:answers], mode)}
        application.close()
    return found


def retrieval(console: Console, application: Application, cases: Sequence[Case]) -> dict[str, Any]:
    table = Table("search", "recall@1", "recall@5", "MRR@10", "ms p50 beyond embedding")
    retriever = application.search.retriever("quality")
    figures: dict[str, Any] = {}
    for mode in (SearchMode.DENSE, SearchMode.LEXICAL, SearchMode.HYBRID):
        found = [retriever.search(case.question, 10, mode=mode) for case in cases]
        ranks = [rank_of(case.document, item.hits) for case, item in zip(cases, found, strict=True)]
        figures[mode] = row = {
            "recall@1": mean(rank == 1 for rank in ranks),
            "recall@5": mean(0 < rank <= 5 for rank in ranks),
            "mrr@10": mean(1 / rank if rank else 0 for rank in ranks),
            "ms_p50": median(item.timings_ms["search"] for item in found),
        }
        *shares, milliseconds = row.values()
        table.add_row(mode, *(f"{share:.3f}" for share in shares), f"{milliseconds:.1f}")
    console.print(table)
    return figures


def rank_of(document: str, hits: Sequence[Hit]) -> int:
    """Return the place of the document among the documents of the hits, from 1; 0 if it is not there."""
    order = list(dict.fromkeys(hit.chunk.document for hit in hits))
    return order.index(document) + 1 if document in order else 0


def answering(console: Console, application: Application, cases: Sequence[Case], mode: AnswerMode) -> dict[str, Any]:
    base = application.bases.find("quality")
    started = time.perf_counter()
    answers = [application.answering.answer(Ask(question=case.question, mode=mode, k=5), [base]) for case in cases]
    seconds = time.perf_counter() - started
    contained = [contains(answer, case) for answer, case in zip(answers, cases, strict=True)]
    quotes = [quote_stands(answer, i) for answer in answers for i in range(len(answer.citations))]
    table = Table("answers", "contain gold", "refused", "sentences max", "citation precision", "ms p50", "s in all")
    figures = {
        "contain_gold": mean(contained),
        "refused": mean(answer.refused for answer in answers),
        "most_sentences": max(len(sentences(_MARK.sub("", answer.text))) for answer in answers),
        "quotes_that_stand": mean(quotes) if quotes else float("nan"),
        "ms_p50": median(answer.timings_ms["total"] for answer in answers),
        "seconds": seconds,
    }
    formats = (".3f", ".3f", "d", ".3f", ".0f", ".1f")
    table.add_row(mode, *(format(value, form) for value, form in zip(figures.values(), formats, strict=True)))
    console.print(table)
    return figures


def contains(answer: Answer, case: Case) -> bool:
    """Tell whether an accepted answer stands in the answer; width, case and white space do not matter."""
    return any(normalised(gold) in normalised(answer.text) for gold in case.answers)


def quote_stands(answer: Answer, index: int) -> bool:
    """Tell whether a citation's quote is a substring of the chunk it names."""
    citation = answer.citations[index]
    chunk = next(hit.chunk for hit in answer.hits if hit.chunk.id == citation.chunk_id)
    return normalised(citation.quote) in normalised(chunk.text)


if __name__ == "__main__":
    main()

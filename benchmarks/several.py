"""One answer from several bases beside the same documents in one base.

    python -m benchmarks.several [FILE.json …] [--bases 2 4] [--every 6] [--questions 300]

Every sixth article is left out, as in benchmarks.refusal; the others are dealt out to so many bases. For each number of
bases: the share of unanswerable questions refused, of answerable ones refused, and of answerable ones whose extracted
answer holds the gold answer. The row `judged together` is what a single judgement over all bases would have refused:
the evidence of one ranking, with the words of all bases counted as if they were one.
"""

import argparse
import json
import math
import random
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.refusal import DEFAULT
from kb_server.bootstrap import Application
from kb_server.domain import AnswerMode
from kb_server.retrieval.confidence import ConfidenceModel, untuned
from kb_server.retrieval.evidence import EVIDENCE_DEPTH, TermWeights, find_evidence
from kb_server.services.answering import Asked
from kb_server.services.searching import BasesRetriever
from kb_server.settings import load_settings


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked; without answers, the documents that were kept do not say."""

    text: str
    answers: tuple[str, ...]


@dataclass(slots=True)
class Rates:
    """Of answerable questions how many were refused, and how many answered rightly; of the others how many refused."""

    known: int = 0
    unknown: int = 0
    falsely: int = 0
    rightly: int = 0
    refused: int = 0

    def add(self, question: Question, refused: bool, text: str) -> None:
        if question.answers:
            self.known += 1
            self.falsely += refused
            self.rightly += any(answer.casefold() in text.casefold() for answer in question.answers)
        else:
            self.unknown += 1
            self.refused += refused

    def row(self, *, answers: bool) -> tuple[str, str, str]:
        right = f"{self.rightly / self.known:.3f}" if answers else ""
        return f"{self.refused / self.unknown:.3f}", f"{self.falsely / self.known:.3f}", right


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, default=DEFAULT)
    parser.add_argument("--bases", type=int, nargs="+", default=[2, 4], help="numbers of bases, beside one")
    parser.add_argument("--every", type=int, default=6, help="every so many-th article is left out")
    parser.add_argument("--questions", type=int, default=300, help="a random sample of each file's questions")
    options = parser.parse_args()
    for file in options.files:
        if file.exists():
            measure(file, options)
        else:
            Console().print(f"skipped: {file} is not there")


def measure(file: Path, options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as folder:
        application = Application(load_settings(arguments={"home": Path(folder) / "home"}))
        table = Table("bases", "refused", "falsely refused", "right answers", title=file.name)
        for count in (1, *options.bases):
            articles = Path(folder) / str(count)
            questions = deal(file, articles, count, options.every)
            questions = random.Random(0).sample(questions, min(options.questions, len(questions)))
            names = [f"{count}-{number}" for number in range(count)]
            for name in names:
                application.create(name)
                application.ingestion(name).run([articles / name])
            own, together = Rates(), Rates()
            for question in questions:
                answer = application.answering(names).ask(Asked(question.text, AnswerMode.EXTRACT, 5))
                own.add(question, answer.refused, answer.text)
                together.add(question, judged_together(application, names, question.text), "")
            table.add_row(str(count), *own.row(answers=True))
            table.add_row("judged together", *together.row(answers=False))
        application.close()
    Console().print(table)


def deal(file: Path, folder: Path, bases: int, every: int) -> list[Question]:
    """Write a paragraph a file, without every so many-th article, into a folder for each base; return all questions."""
    questions: list[Question] = []
    for number, article in enumerate(json.loads(file.read_text("utf-8"))["data"]):
        kept = number % every != 0
        place = folder / f"{bases}-{number % bases}"
        place.mkdir(parents=True, exist_ok=True)
        for index, paragraph in enumerate(article["paragraphs"]):
            if kept:
                (place / f"{number:04d}-{index:02d}.txt").write_text(paragraph["context"], "utf-8")
            for item in paragraph["qas"]:
                answers = tuple(answer["text"] for answer in item["answers"]) if kept else ()
                questions.append(Question(item["question"], answers))
    return questions


def judged_together(application: Application, names: Sequence[str], question: str) -> bool:
    """Tell whether one judgement over all bases would refuse; untuned, as a base of all their chunks."""
    lexicals = [application._open(name).lexical for name in names]
    chunks = sum(len(lexical) for lexical in lexicals)
    holders: Counter[str] = Counter()
    for lexical in lexicals:
        for term, weight in lexical.weights(question).items():
            holders[term] += round((len(lexical) + 1) / math.exp(weight) - 0.5)
    weights = {term: math.log1p((chunks - count + 0.5) / (count + 0.5)) for term, count in holders.items()}
    retriever = BasesRetriever({name: application.retriever(name) for name in names})
    evidence = find_evidence(question, retriever.retrieve(question, EVIDENCE_DEPTH), TermWeights(weights, chunks))
    calibration = untuned(chunks)
    return ConfidenceModel(calibration.weights).confidence(evidence) < calibration.refuse_below


if __name__ == "__main__":
    main()

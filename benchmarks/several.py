"""One answer from several bases beside the same documents in one base.

    python -m benchmarks.several [FILE.json …] [--bases 2 4] [--every 6] [--questions 300]

Every sixth article is left out, as in benchmarks.refusal; the others are dealt out to so many bases. For each number of
bases: the share of unanswerable questions refused, of answerable ones refused, and of answerable ones whose extracted
answer holds the gold answer.
"""

import argparse
import json
import random
import tempfile
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.refusal import DEFAULT
from kb_server.answering.ask import Ask
from kb_server.app import Application
from kb_server.config.settings import load_settings
from kb_server.core.answers import AnswerMode


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

    def row(self) -> tuple[str, str, str]:
        shares = self.refused / self.unknown, self.falsely / self.known, self.rightly / self.known
        refused, falsely, rightly = (f"{share:.3f}" for share in shares)
        return refused, falsely, rightly


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
                application.bases.create(name)
                application.ingest.pipeline(name).run([articles / name])
            rates = Rates()
            for question in questions:
                ask = Ask(question=question.text, mode=AnswerMode.EXTRACT, k=5)
                answer = application.answering.answer(ask, [application.bases.find(name) for name in names])
                rates.add(question, answer.refused, answer.text)
            table.add_row(str(count), *rates.row())
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


if __name__ == "__main__":
    main()

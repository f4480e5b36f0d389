"""How long chunks should be: recall and answers at several sizes, on one half of the questions and on the other.

    python -m benchmarks.chunk_size [FILE.json …] [--sizes N …] [--questions N]

Five paragraphs of a SQuAD-format file in a row are one document, as people's documents are longer than a paragraph. A
question counts as found when a gold answer stands in the first passage, or in one of five, of the right document. Long
passages have that easier, so what they cost stands beside it: the tokens that five of them take in a prompt, and how
many answers quoted from them hold the gold answer. A size is chosen on the first half and judged on the second.
"""

import argparse
import random
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.quality import DEFAULT, contains
from benchmarks.report import save
from benchmarks.squad import Case, read_squad
from kb_server.answering.ask import Ask
from kb_server.answering.citations.support import normalised
from kb_server.app import Application
from kb_server.config.settings import load_settings
from kb_server.core.domain import Hit
from kb_server.text.tokens import count_tokens

TOGETHER = 5
COLUMNS = ("first", "of five", "tokens of five", "answers", "refused")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, default=DEFAULT)
    parser.add_argument("--sizes", nargs="*", type=int, default=(100, 150, 200, 300, 400))
    parser.add_argument("--questions", type=int, default=300, help="in each half")
    options = parser.parse_args()
    console = Console()
    found: dict[str, Any] = {}
    for file in (file for file in options.files if file.exists()):
        table = Table("size", "chunks", "half", *COLUMNS, title=file.name)
        found[file.name] = {}
        for size in options.sizes:
            chunks, halves = measure(file, size, options.questions)
            found[file.name][size] = halves
            for half, figures in halves.items():
                table.add_row(str(size), str(chunks), half, *(f"{figures[name]:.3f}" for name in COLUMNS))
        console.print(table)
    save("chunk-size", found)


def measure(file: Path, size: int, questions: int) -> tuple[int, dict[str, dict[str, float]]]:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        cases = list(joined(read_squad(file, folder / "paragraphs"), folder))
        drawn = random.Random(0).sample(cases, min(len(cases), 2 * questions))
        arguments = {"home": folder / "home", "splitting": {"size": size, "overlap": size * 3 // 20}}
        application = Application(load_settings(arguments=arguments))
        application.bases.create("sizes")
        report = application.ingest.pipeline("sizes").run([folder / "documents"])
        middle = len(drawn) // 2
        halves = {"chosen on": drawn[:middle], "judged on": drawn[middle:]}
        found = {half: figures(application, part) for half, part in halves.items()}
        application.close()
    return report.chunks, found


def joined(cases: Sequence[Case], folder: Path) -> Iterator[Case]:
    """Write the paragraphs together, some to a document; yields the questions with the document that has them."""
    (folder / "documents").mkdir()
    place: dict[str, str] = {}
    paragraphs = sorted((folder / "paragraphs").iterdir())
    for start in range(0, len(paragraphs), TOGETHER):
        name = f"{start // TOGETHER:04d}.txt"
        part = paragraphs[start : start + TOGETHER]
        (folder / "documents" / name).write_text("\n\n".join(path.read_text("utf-8") for path in part), "utf-8")
        place |= {path.name: name for path in part}
    for case in cases:
        yield Case(case.question, case.answers, place[case.document])


def figures(application: Application, cases: Sequence[Case]) -> dict[str, float]:
    base = application.bases.find("sizes")
    answers = [application.answering.answer(Ask(question=case.question, k=5), [base]) for case in cases]
    pairs = list(zip(answers, cases, strict=True))
    return {
        "first": mean(holds(answer.hits[:1], case) for answer, case in pairs),
        "of five": mean(holds(answer.hits, case) for answer, case in pairs),
        "tokens of five": mean(sum(count_tokens(hit.chunk.text) for hit in answer.hits) for answer in answers),
        "answers": mean(contains(answer, case) for answer, case in pairs),
        "refused": mean(answer.refused for answer in answers),
    }


def holds(hits: Sequence[Hit], case: Case) -> bool:
    """Tell whether one of the passages is of the right document and has a gold answer in it."""
    texts = [normalised(hit.chunk.text) for hit in hits if hit.chunk.document == case.document]
    return any(normalised(gold) in text for gold in case.answers for text in texts)


if __name__ == "__main__":
    main()

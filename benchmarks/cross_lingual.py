"""Questions in one language about paragraphs in the other: recall, and what is answered.

    python -m benchmarks.cross_lingual

benchmarks/data/cross_lingual.jsonl has 60 English questions of XQuAD in Chinese and 60 Chinese ones of CMRC 2018 in
English, translated by hand, names by their usual spelling. Each half is asked of all paragraphs of its file.
"""

import json
import tempfile
from pathlib import Path
from statistics import mean
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.quality import DEFAULT, rank_of
from benchmarks.report import save
from benchmarks.squad import read_squad
from kb_server.answering.ask import Ask
from kb_server.app import Application
from kb_server.config.settings import load_settings

QUESTIONS = Path(__file__).parent / "data" / "cross_lingual.jsonl"


def main() -> None:
    console = Console()
    translated = {row["id"]: row["question"] for row in map(json.loads, QUESTIONS.read_text("utf-8").splitlines())}
    table = Table("asked of", "questions", "recall@1", "recall@5", "refused", "cites the paragraph")
    found: dict[str, Any] = {}
    for file in (file for file in DEFAULT if file.exists()):
        found[file.name] = figures = measure(file, translated)
        count, *shares = figures.values()
        table.add_row(file.name, str(count), *(f"{share:.3f}" for share in shares))
    console.print(table)
    save("cross-lingual", found)


def measure(file: Path, translated: dict[str, str]) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        cases = read_squad(file, folder / "documents")
        asked = [(translated[case.id], case.document) for case in cases if case.id in translated]
        application = Application(load_settings(arguments={"home": folder / "home"}))
        application.bases.create("paragraphs")
        application.ingest.pipeline("paragraphs").run([folder / "documents"])
        base = application.bases.find("paragraphs")
        answers = [application.answering.answer(Ask(question=text, k=5), [base]) for text, _ in asked]
        ranks = [rank_of(document, answer.hits) for answer, (_, document) in zip(answers, asked, strict=True)]
        cited = [
            any(citation.document == document for citation in answer.citations)
            for answer, (_, document) in zip(answers, asked, strict=True)
        ]
        application.close()
    return {
        "questions": len(asked),
        "recall@1": mean(rank == 1 for rank in ranks),
        "recall@5": mean(rank > 0 for rank in ranks),
        "refused": mean(answer.refused for answer in answers),
        "cited": mean(cited),
    }


if __name__ == "__main__":
    main()

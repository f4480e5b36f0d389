"""SQuAD-format files as documents and questions."""

import json
from dataclasses import dataclass
from pathlib import Path

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "squad"


@dataclass(frozen=True, slots=True)
class Case:
    """A question, its accepted answers, and the document that has them."""

    question: str
    answers: tuple[str, ...]
    document: str
    id: str = ""


def read_squad(file: Path, folder: Path) -> list[Case]:
    """Write each paragraph into `folder` as a text file of its own; returns the questions."""
    folder.mkdir(parents=True, exist_ok=True)
    cases = []
    for a, article in enumerate(json.loads(file.read_text("utf-8"))["data"]):
        for p, paragraph in enumerate(article["paragraphs"]):
            name = f"{a:04d}-{p:02d}.txt"
            (folder / name).write_text(paragraph["context"], "utf-8")
            for qa in paragraph["qas"]:
                answers = tuple(sorted({answer["text"] for answer in qa["answers"]}))
                cases.append(Case(qa["question"], answers, name, qa["id"]))
    return cases

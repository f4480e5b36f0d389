"""Refusal with every sixth article left out, and the weights of evidence fitted to such questions.

    python -m benchmarks.refusal [FILE.json …] [--every 6] [--questions 600] [--fit] [--tune]

For each file: the share of unanswerable questions refused at 5% false refusals and the area under the ROC curve, of
each figure of evidence alone and of the confidence; then both rates at the bound that holds. With `--tune` the base is
tuned before. `--fit` fits weights to all files together, each weighing the same, as
kb_server/answering/refusal/confidence.py has them.
"""

import argparse
import json
import random
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.squad import SHARED
from kb_server.answering.refusal.confidence import ConfidenceModel
from kb_server.answering.refusal.evidence import EVIDENCE_DEPTH, Evidence, TermWeights, find_evidence
from kb_server.app import Application
from kb_server.config.settings import load_settings
from kb_server.evaluation.metrics import refusal_at
from kb_server.search.calibration import untuned

DEFAULT = (SHARED / "xquad-even.en.json", SHARED / "cmrc2018-dev.zh.json")
LOWER_SPEAKS_FOR_AN_ANSWER = "absent"
STIFFNESS = 1e-3
STEPS = 60


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and whether the documents that were kept answer it."""

    text: str
    answerable: bool


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, default=DEFAULT)
    parser.add_argument("--every", type=int, default=6, help="every so many-th article is left out")
    parser.add_argument("--questions", type=int, default=600, help="a random sample of each file's questions")
    parser.add_argument("--fit", action="store_true")
    parser.add_argument("--tune", action="store_true")
    options = parser.parse_args()
    found: list[tuple[list[Evidence], list[bool]]] = []
    for file in options.files:
        if file.exists():
            found.append(measure(file, options))
        else:
            Console().print(f"skipped: {file} is not there")
    if options.fit and found:
        print("weights of score, coverage, absent, lead, and a bias:", np.round(fit(found), 2))


def leave_out(file: Path, folder: Path, every: int) -> list[Question]:
    """Write a paragraph a file, without every so many-th article; return all questions."""
    folder.mkdir(parents=True)
    questions: list[Question] = []
    for number, article in enumerate(json.loads(file.read_text("utf-8"))["data"]):
        kept = number % every != 0
        for place, paragraph in enumerate(article["paragraphs"]):
            if kept:
                (folder / f"{number:04d}-{place:02d}.txt").write_text(paragraph["context"], "utf-8")
            questions += [Question(item["question"], kept) for item in paragraph["qas"]]
    return questions


def measure(file: Path, options: argparse.Namespace) -> tuple[list[Evidence], list[bool]]:
    with tempfile.TemporaryDirectory() as folder:
        questions = leave_out(file, Path(folder) / "documents", options.every)
        questions = random.Random(0).sample(questions, min(options.questions, len(questions)))
        application = Application(load_settings(arguments={"home": Path(folder) / "home"}))
        application.bases.create("refusal")
        application.ingest.pipeline("refusal").run([Path(folder) / "documents"])
        if options.tune:
            application.tuner("refusal").run()
        evidence = gather(application, questions)
        base = application.bases.find("refusal")
        calibration = base.calibration or untuned(application.catalog.documents(base).chunks.count())
        application.close()
    answerable = [question.answerable for question in questions]
    model = ConfidenceModel(calibration.weights)
    confidences = np.array([model.confidence(item) for item in evidence])
    show(file, evidence, confidences, answerable, calibration.refuse_below)
    return evidence, answerable


def gather(application: Application, questions: Sequence[Question]) -> list[Evidence]:
    retriever, lexical = application.search.retriever("refusal"), application.bases.open("refusal").lexical
    found: list[Evidence] = []
    for question in questions:
        known = TermWeights(lexical.weights(question.text), len(lexical))
        found.append(find_evidence(question.text, retriever.retrieve(question.text, EVIDENCE_DEPTH), known))
    return found


def show(
    file: Path, evidence: Sequence[Evidence], confidences: np.ndarray, answerable: Sequence[bool], bound: float
) -> None:
    figures = {name: np.array([asdict(item)[name] for item in evidence]) for name in asdict(evidence[0])}
    figures[LOWER_SPEAKS_FOR_AN_ANSWER] = -figures[LOWER_SPEAKS_FOR_AN_ANSWER]
    known = np.array(answerable)
    table = Table("evidence", "refused at 5%", "area", title=f"{file.name}: {len(known)} questions")
    for name, values in {**figures, "confidence": confidences}.items():
        at = refusal_at(values.tolist(), answerable, 0.05)
        table.add_row(name, "–" if at is None else f"{at:.3f}", f"{area(values, known):.3f}")
    Console().print(table)
    refused = confidences < bound
    print(f"below {bound:.3f}: {refused[~known].mean():.3f} refused, {refused[known].mean():.3f} falsely")


def area(values: np.ndarray, known: np.ndarray) -> float:
    """Return the chance that an answerable question lies above an unanswerable one; equal values count half."""
    yes, no = values[known][:, None], values[~known][None]
    return float((yes > no).mean() + 0.5 * (yes == no).mean())


def fit(found: Sequence[tuple[list[Evidence], list[bool]]]) -> np.ndarray:
    """Return weights by penalised maximum likelihood; files, and both kinds within one, weigh the same."""
    rows = np.array([[*item.vector(), 1.0] for evidence, _ in found for item in evidence])
    target = np.concatenate([np.array(answerable, float) for _, answerable in found])
    share = np.concatenate([_shares(np.array(answerable)) for _, answerable in found]) / len(found)
    penalty = STIFFNESS * np.diag([1.0] * (rows.shape[1] - 1) + [1e-6])
    weights = np.zeros(rows.shape[1])
    for _ in range(STEPS):
        expected = 1 / (1 + np.exp(-rows @ weights))
        slope = rows.T @ (share * (expected - target)) + penalty @ weights
        weights -= np.linalg.solve((rows.T * (share * expected * (1 - expected))) @ rows + penalty, slope)
    return weights


def _shares(answerable: np.ndarray) -> np.ndarray:
    return np.asarray(np.where(answerable, 0.5 / answerable.sum(), 0.5 / (~answerable).sum()))


if __name__ == "__main__":
    main()

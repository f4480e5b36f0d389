"""Whether answers become better: {closed book, RAG} x {the model, with kNN-LM} on questions of a SQuAD file.

RAG is also mixed with neighbours from the best sentence only, as `benchmarks.knnlm_search` found it on other questions.

    python -m benchmarks.knnlm_answers --work DIR [--questions 60] [--ways rag,rag+knn] [--seconds 600]

One passage in the prompt, answers of up to 40 tokens by the bundled model, neighbours from the 20 passages found. Each
answer is written down as it comes, so a stopped run goes on; differences are paired, with bootstrap intervals. After
`--seconds` no further question is asked.
"""

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console

from benchmarks.squad import SHARED, Case, read_squad
from kb_server.answering.ask import Ask, whole_answer
from kb_server.answering.citations.support import normalised
from kb_server.app import Application
from kb_server.config.settings import load_settings
from kb_server.core.answers import AnswerMode
from kb_server.core.knn_lm import KnnAsk
from kb_server.evaluation.scoring import mean_interval

BASE = "squad"
WAYS = {
    "rag": None,
    "rag+knn": KnnAsk(),
    "rag+sentence": KnnAsk(passages=1, sentences=1, weight=0.35, k=64),
    "extract": None,  # the sentence by itself, without a model
    "closed": KnnAsk(closed_book=True, weight=0.0),
    "closed+knn": KnnAsk(closed_book=True),
}
console = Console()


def stocked(work: Path, file: Path) -> tuple[Application, list[Case]]:
    """Return an application with the paragraphs ingested, the datastore built and tuned, and the questions."""
    settings = load_settings(
        arguments={"home": work / "home", "answering": {"passages": 1, "sentences": 1, "threshold": 0.0}}
    )
    app = Application(settings)
    cases = read_squad(file, work / "paragraphs")
    if not app.bases.all():
        app.bases.create(BASE)
    app.ingest.pipeline(BASE).run([work / "paragraphs"])
    report = app.knn_lm.of(BASE).build()
    console.print(f"{report.keys} keys; read {report.read} tokens in {report.seconds:.0f} s")
    if app.knn_lm.of(BASE).store().manifest.tuned is None:
        console.print(app.knn_lm.measurement(BASE).tune(2000))
    return app, cases


def answers(
    app: Application, cases: list[tuple[int, Case]], ways: list[str], log: Path
) -> Iterator[tuple[int, str, bool]]:
    """Yield (question, way, whether the answer has the gold answer), those that are written down first."""
    done = [json.loads(line) for line in log.read_text("utf-8").splitlines()] if log.exists() else []
    known = {(one["case"], one["way"]): one for one in done}
    base = app.bases.find(BASE)
    for number, case in cases:
        for way in ways:
            one = known.get((number, way))
            if one is None:
                mode = AnswerMode.EXTRACT if way == "extract" else AnswerMode.GENERATE
                ask = Ask(question=case.question, mode=mode, k=5, max_tokens=40)
                asked = replace(app.answering.resolve(ask), knn=WAYS[way])
                told = whole_answer(app.answering.answerer(asked, [base]).stream(asked))
                contains = any(normalised(answer) in normalised(told.text) for answer in case.answers)
                one = {"case": number, "way": way, "contains": contains, "answer": told.text}
                with log.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(one, ensure_ascii=False) + "\n")
            yield number, way, one["contains"]


def main() -> None:
    """Answer and compare."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--questions", type=int, default=60)
    parser.add_argument("--ways", default=",".join(WAYS))
    parser.add_argument("--seconds", type=float, default=float("inf"))
    options = parser.parse_args()
    file = SHARED / "xquad-even.en.json"
    if not file.exists():
        console.print(f"Skipped: {file} is not there.")
        return
    app, cases = stocked(options.work, file)
    chosen = list(enumerate(cases))[:: max(1, len(cases) // options.questions)][: options.questions]
    ways = options.ways.split(",")
    found: dict[str, dict[int, bool]] = {way: {} for way in ways}
    until = time.perf_counter() + options.seconds
    for number, way, contains in answers(app, chosen, ways, options.work / "answers.jsonl"):
        found[way][number] = contains
        if way == ways[-1] and time.perf_counter() > until:
            break
    for way in ways:
        console.print(f"{way}: {np.mean(list(found[way].values())):.3f} of {len(found[way])}")
    for plain, other in (("rag", "rag+knn"), ("rag", "rag+sentence"), ("closed", "closed+knn")):
        if plain in found and other in found:
            values = [found[other][n] - found[plain][n] for n in found[plain]]
            low, high = mean_interval(np.array(values, np.float64))
            console.print(f"{other} less {plain}: {np.mean(values):+.3f} ({low:+.3f} to {high:+.3f})")
    app.close()


if __name__ == "__main__":
    main()

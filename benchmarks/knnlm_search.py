"""A search for a way of mixing that makes the bundled model's answers better, on every tenth question.

    python -m benchmarks.knnlm_search --work DIR --stage 1     # then 2 and 3; see knnlm_settings.py

Each question is answered in all settings of a stage at once, as one batch behind one prompt. Answers are written down
as they come, so a stopped run goes on; `--seconds` ends it early. The datastore is that of `benchmarks.knnlm_answers`,
which judges what was found on other questions.
"""

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from benchmarks.knnlm_answers import BASE, stocked
from benchmarks.knnlm_settings import STAGES, Setting
from benchmarks.squad import SHARED, Case
from kb_server.answering.citations.support import normalised
from kb_server.answering.extract import Sentence, SentenceExtractor
from kb_server.app import Application
from kb_server.core.answers import Sampling
from kb_server.core.domain import Hit
from kb_server.core.knn_lm import UNTUNED
from kb_server.evaluation.scoring import mean_interval
from kb_server.knnlm.datastore.passages import active_within
from kb_server.knnlm.datastore.store import Active, Datastore
from kb_server.knnlm.knn_lm import KnnLm, NeighbourMixer
from kb_server.knnlm.search import ExactSearch
from kb_server.search.fusion import dense_weight

FOUND, TOKENS = 20, 40
console = Console()


class Answerer:
    """Answers questions of one base in several settings at once."""

    def __init__(self, app: Application) -> None:
        self._app = app
        self._knn: KnnLm = app.knn_lm.of(BASE)
        self._store: Datastore = self._knn.store()
        self._reader: Any = self._knn.model
        self._every = self._knn.active()
        self._sampling = Sampling(max_tokens=TOKENS)

    def answers(self, case: Case, settings: Sequence[Setting]) -> dict[Setting, tuple[str, int]]:
        """Return each setting's answer and its number of tokens."""
        hits = self._app.search.retriever(BASE).search(case.question, FOUND).hits
        found: dict[Setting, tuple[str, int]] = {}
        for passages in sorted({setting.prompt for setting in settings}):
            inside = [setting for setting in settings if setting.prompt == passages]
            shown = hits[:passages] or self._sentence(case.question, hits[0])
            prompt = self._app.answering.prompts.build(
                case.question, shown, (), self._app.models.generator(None), TOKENS
            )
            ids = self._reader._loaded.codec.encode(prompt.messages)
            mixers = [self._mixer(setting, case.question, hits) for setting in inside]
            for setting, one in zip(inside, self._together(ids, mixers), strict=True):
                found[setting] = (self._reader.decode(one).strip(), len(one))
        return found

    def _together(self, prompt: list[int], mixers: list[NeighbourMixer | None]) -> list[list[int]]:
        """Decode in turns: whoever asks first computes the next token of all."""
        streams = [self._reader._decoder.tokens(prompt, self._sampling, TOKENS, mixer) for mixer in mixers]
        written: list[list[int]] = [[] for _ in streams]
        going = list(range(len(streams)))
        while going:
            for number in list(going):
                token = next(streams[number], None)
                if token is None:
                    going.remove(number)
                else:
                    written[number].append(token)
        return written

    def _mixer(self, setting: Setting, question: str, hits: Sequence[Hit]) -> NeighbourMixer | None:
        if setting.rule == "none":
            return None
        mixing = setting.mixing(self._store.manifest.tuned or UNTUNED)
        search = ExactSearch(self._store, self._active(setting, question, hits))
        return NeighbourMixer(self._store, search, mixing, self._reader.decode)

    def _active(self, setting: Setting, question: str, hits: Sequence[Hit]) -> Active:
        if setting.passages is None:
            return self._every
        chosen = hits[: setting.passages]
        if setting.sentences is None:
            return self._store.active([hit.chunk.id for hit in chosen])
        best = self._best(question, chosen)[: setting.sentences]
        spans = [(sentence.hit.chunk, sentence.start, sentence.end) for sentence in best]
        return active_within(self._store, self._reader.decode, spans)

    def _sentence(self, question: str, hit: Hit) -> list[Hit]:
        """Return the passage cut to its best sentence."""
        return [replace(hit, chunk=replace(hit.chunk, text=self._best(question, [hit])[0].text))]

    def _best(self, question: str, hits: Sequence[Hit]) -> list[Sentence]:
        """Return the passages' sentences, those first that mode extract would choose."""
        ready = self._app.search.ready(BASE)
        extractor = SentenceExtractor(ready.embedder, ready.opened.lexical)
        scored = extractor.scored(question, hits, dense_weight(ready.base.fusion, question))
        return [sentence for sentence, _ in sorted(scored, key=lambda pair: -pair[1])]


class Log:
    """Answers that were written down: one line each of a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        self.known = {(one["case"], one["setting"]): one for one in map(json.loads, lines)}

    def add(self, number: int, case: Case, found: dict[Setting, tuple[str, int]]) -> None:
        """Write down the answers to a question, and whether they contain a gold answer."""
        with self._path.open("a", encoding="utf-8") as file:
            for setting, (text, tokens) in found.items():
                contains = any(normalised(answer) in normalised(text) for answer in case.answers)
                one = {"case": number, "setting": setting.name, "contains": contains, "tokens": tokens, "answer": text}
                file.write(json.dumps(one, ensure_ascii=False) + "\n")
                self.known[number, setting.name] = one

    def show(self, numbers: Sequence[int], settings: Sequence[Setting]) -> None:
        """Print a line for each setting: contains gold, less the model alone behind the same prompt, tokens."""
        for setting in settings:
            alone = Setting(prompt=setting.prompt).name
            done = [n for n in numbers if {(n, setting.name), (n, alone)} <= self.known.keys()]
            if not done:
                continue
            mine, plain = ([self.known[n, name] for n in done] for name in (setting.name, alone))
            values = np.array([float(a["contains"]) - float(b["contains"]) for a, b in zip(mine, plain, strict=True)])
            low, high = mean_interval(values)
            share, tokens = np.mean([one["contains"] for one in mine]), np.mean([one["tokens"] for one in mine])
            console.print(
                f"{share:.3f} {values.mean():+.3f} ({low:+.3f} to {high:+.3f}) of {len(done)}, "
                f"{tokens:.0f} tokens: {setting.name}"
            )


def main() -> None:
    """Answer and compare."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--stage", type=int, default=1, choices=[*STAGES])
    parser.add_argument("--seconds", type=float, default=float("inf"))
    options = parser.parse_args()
    file = SHARED / "xquad-even.en.json"
    if not file.exists():
        console.print(f"Skipped: {file} is not there.")
        return
    app, cases = stocked(options.work, file)
    numbers, settings = range(5, len(cases), 10), STAGES[options.stage]  # odd ones: the even judge
    log, answerer = Log(options.work / "develop.jsonl"), Answerer(app)
    until = time.perf_counter() + options.seconds
    for number in numbers:
        missing = [one for one in settings if (number, one.name) not in log.known]
        if missing and time.perf_counter() < until:
            started = time.perf_counter()
            log.add(number, cases[number], answerer.answers(cases[number], missing))
            console.print(f"question {number}: {time.perf_counter() - started:.0f} s")
    log.show(numbers, settings)
    app.close()


if __name__ == "__main__":
    main()

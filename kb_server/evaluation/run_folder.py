"""The folder of a run: run.json says what is evaluated, results.jsonl has a line for each case that is done.

Lines are appended as cases are done, so an interrupted run loses at most the one it was at. A scored run is written
anew in the order of its cases, all at once.
"""

import json
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from kb_server.core.errors import NotFound, StorageError, UsageError
from kb_server.evaluation.outcomes import Outcome, outcome_from, outcome_json

RESULTS, SUMMARY, REPORT, _RUN = "results.jsonl", "summary.json", "report.html", "run.json"


class RunFolder:
    """Reads and writes one run."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def begin(self, setup: Mapping[str, Any]) -> None:
        """Make the folder, or go on with it; raises UsageError if it holds a run of another setup."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            if not (self.path / _RUN).exists():
                self._refuse_strangers()
                self.write(_RUN, json.dumps(setup, ensure_ascii=False, indent=2) + "\n")
        except OSError as error:
            raise UsageError(
                f"The folder '{self.path}' cannot be written: {error.strerror}.", "Choose another --out."
            ) from error
        if differing := _differences(self.setup(), setup):
            raise UsageError(
                f"'{self.path}' holds a run with other settings ({'; '.join(differing[:3])}).",
                "Choose another --out, or delete that folder to begin again.",
            )

    def setup(self) -> dict[str, Any]:
        """Return what run.json says; raises NotFound or StorageError."""
        try:
            setup = json.loads((self.path / _RUN).read_text("utf-8"))
        except FileNotFoundError as error:
            raise NotFound(f"'{self.path}' is no run of kb evaluate.", "Give the folder named with --out.") from error
        except (OSError, ValueError) as error:
            raise StorageError(f"'{self.path / _RUN}' cannot be read: {error}.", "Delete the folder.") from error
        if not isinstance(setup, dict):
            raise StorageError(f"'{self.path / _RUN}' holds no settings.", "Delete the folder and evaluate again.")
        return setup

    def forget_other(self, setup: Mapping[str, Any]) -> None:
        """Remove what the folder holds of a run with another setup, so that this one can begin."""
        if (self.path / _RUN).exists() and _differences(self.setup(), setup):
            self.delete()

    def delete(self) -> None:
        """Remove the run."""
        shutil.rmtree(self.path, ignore_errors=True)

    def text(self, name: str) -> str | None:
        """Return what a file of the run holds, None before it is written."""
        file = self.path / name
        return file.read_text("utf-8") if file.exists() else None

    def outcomes(self) -> dict[str, Outcome]:
        """Return the outcomes by case, the last one of each; a line that a crash cut short is passed over."""
        file = self.path / RESULTS
        if not file.exists():
            return {}
        lines = file.read_bytes().split(b"\n")
        found: dict[str, Outcome] = {}
        for number, line in enumerate(lines, 1):
            try:
                outcome = outcome_from(json.loads(line)) if line.strip() else None
            except (ValueError, KeyError, TypeError) as error:
                if number == len(lines):
                    continue
                raise StorageError(
                    f"Line {number} of '{file}' cannot be read: {error!r}.", "Delete that line; its case is run again."
                ) from error
            if outcome:
                found[outcome.case.id] = outcome
        return found

    def append(self, outcomes: Iterable[Outcome]) -> None:
        """Add a line for each outcome as it comes, behind whole lines only."""
        file = self.path / RESULTS
        with file.open("ab+") as stream:
            _cut_torn_line(stream)
            for outcome in outcomes:
                stream.write(_line(outcome).encode())
                stream.flush()

    def replace(self, outcomes: Sequence[Outcome]) -> None:
        """Write results.jsonl again, all at once."""
        self.write(RESULTS, "".join(map(_line, outcomes)))

    def write(self, name: str, text: str) -> None:
        """Write a file of the run so that it is whole or not there."""
        part = self.path / f"{name}.part"
        part.write_text(text, "utf-8")
        part.replace(self.path / name)

    def _refuse_strangers(self) -> None:
        if next(self.path.iterdir(), None) is not None:
            raise UsageError(
                f"The folder '{self.path}' is not empty and is no run of kb evaluate.", "Choose another --out."
            )


def _line(outcome: Outcome) -> str:
    return json.dumps(outcome_json(outcome), ensure_ascii=False) + "\n"


def _cut_torn_line(stream: Any) -> None:  # noqa: ANN401 - a binary file
    stream.seek(0, os.SEEK_END)
    size = stream.tell()
    stream.seek(0)
    whole = stream.read(size).rfind(b"\n") + 1
    stream.truncate(whole)
    stream.seek(whole)


def _differences(kept: Mapping[str, Any], now: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Say which values two setups do not share: `settings.answering.mode: extract, now generate`."""
    found: list[str] = []
    for key in [*kept, *(key for key in now if key not in kept)]:
        before, after = kept.get(key), now.get(key)
        if isinstance(before, dict) and isinstance(after, dict):
            found += _differences(before, after, f"{prefix}{key}.")
        elif before != after:
            found.append(f"{prefix}{key}: {before}, now {after}")
    return found

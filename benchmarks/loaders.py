"""Our loaders beside stock ones, on the shared sample documents.

    python -m benchmarks.loaders [--documents FOLDER] [--peers FOLDER]

Each loader runs in a process of its own, one file after the other, a minute for each. Pictures, and the two books of
400 and 619 pages, are left out, and ours runs without OCR, since the others have none. A peer that is not installed is
passed over, by name; --peers is a folder more to look for packages in (pip install --target FOLDER markitdown).

words: share of the words in tests/data/documents.expected.jsonl that the text holds, wherever they stand.
rows: share of the table rows below whose line, as it is cut for search, holds the name of the column too.
letters: those of the PDF files' pages that the text holds, of those that one sees there (benchmarks/pdf_letters.py).
order: share of the neighbours below, phrases of two-column pages, that come in the order in which one reads them.
"""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Any

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
SECONDS = 60
LEFT_OUT = ("DA-619p.pdf", "pdf2image-memory-error-test-400p.pdf")
PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".heic")
ROWS = [
    ("stanley-cups.xlsx", "PHI", "Location"),
    ("stanley-cups.csv", "PHI", "Location"),
    ("stanley-cups.tsv", "PHI", "Location"),
    ("vodafone.xlsx", "Mobile customers", "Topic"),
    ("2023-half-year-analyses-by-segment.xlsx", "12553", "Sales (a)"),
    ("tests-example.xls", "File response", "Question Type"),
    ("fake-power-point-table.pptx", "Tangerine", "Column 1"),
    ("sample-presentation.pptx", "A2", "A:"),
    ("fake.odt", "Sarah", "Mon"),
    ("fake-html.html", "Row 2, Cell 1", "Column 1"),
    ("table-semicolon-delimiter.csv", "143,1", "Revenue"),
    ("table-multi-row-column-cells-actual.csv", "1672.1 sec", "Results"),
    ("factbook.xml", "Ottawa", "capital"),
    ("arbitrary-records.json", "Pruning Shears", "name"),
]
ORDER = {
    "pdf/multi-column-2p.pdf": [
        "Dense Passage Retrieval for Open-Domain",
        "contexts, where traditional sparse",
        "selects a small subset of passages",
        "of improving retrieval",
        "Retrieval in open-domain QA is usually",
        "Guo et al. (2016)",
        "large number of labeled pairs",
    ],
    "pdf/a1977-backus-p21.pdf": [
        "permits the definition of new functional",
        "In evaluating the last expression",
        "permit the definition and",
        "Summary of the properties",
        "the meaning of an FFP application",
        "The functional form fetch takes an object",
        "simply passes over elements",
    ],
}
Read = Callable[[Path, str], str]


def ours() -> Read:
    sys.modules["rapidocr"] = None  # type: ignore[assignment]  # as if it were not installed
    from loaders import load

    return lambda path, name: load(path, name).text


def unstructured() -> Read:
    os.environ |= {"DO_NOT_TRACK": "true", "SCARF_NO_ANALYTICS": "true", "UNSTRUCTURED_DISABLE_NOTICE": "1"}
    import spacy
    import unstructured.nlp.tokenize as tokenize
    from unstructured.partition.auto import partition

    def blank() -> Any:  # noqa: ANN401  (spaCy's model, for which it would go to the network)
        model = spacy.blank("en")
        model.add_pipe("sentencizer")
        return model

    tokenize._load_spacy_model = blank
    return lambda path, _: "\n".join(str(element) for element in partition(str(path), strategy="fast"))


def markitdown() -> Read:
    from markitdown import MarkItDown  # type: ignore[import-not-found, unused-ignore]  # no dependency of ours

    converter = MarkItDown()
    return lambda path, _: str(converter.convert(str(path)).text_content)


def pypdf() -> Read:
    from pypdf import PdfReader

    return lambda path, _: "\n".join(page.extract_text() for page in PdfReader(path).pages)


PEERS: dict[str, Callable[[], Read]] = {
    "ours": ours,
    "unstructured": unstructured,
    "markitdown": markitdown,
    "pypdf": pypdf,
}


class TooSlow(Exception):
    """A file took longer than its minute."""


@contextmanager
def limited(seconds: int) -> Iterator[None]:
    def stop(_number: int, _frame: FrameType | None) -> None:
        raise TooSlow

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)


def files_of(documents: Path, peer: str) -> list[str]:
    names = sorted(path.relative_to(documents).as_posix() for path in documents.rglob("*") if path.is_file())
    kept = [name for name in names if not name.endswith((*LEFT_OUT, *PICTURES, ".wav", ".zip"))]
    return [name for name in kept if peer != "pypdf" or name.endswith(".pdf")]


def read_all(documents: Path, peer: str) -> None:
    """Print one line of JSON for each file: its text, or none, and the seconds it took."""
    read = PEERS[peer]()
    for name in files_of(documents, peer):
        started = time.perf_counter()
        try:
            with limited(SECONDS):
                text = read(documents / name, name)
        except Exception as error:  # noqa: BLE001  (a peer may raise anything; it is counted as not read)
            text = ""
            print(f"{peer}: {name}: {type(error).__name__}", file=sys.stderr)
        print(json.dumps({"name": name, "text": text, "seconds": time.perf_counter() - started}), flush=True)


def joined(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def score(found: dict[str, str], seconds: float, letters: str = "–") -> list[str]:
    lines = (ROOT / "tests" / "data" / "documents.expected.jsonl").read_text("utf-8").splitlines()
    expected = [each for each in map(json.loads, lines) if each["file"] in found]
    words = [all(word in joined(found[each["file"]]) for word in each["words"].split()) for each in expected]
    rows = [has_row(found[name], cell, column) for name, cell, column in ROWS if name in found]
    order = [each for name, phrases in ORDER.items() for each in in_order(joined(found.get(name, "")), phrases)]
    read = sum(bool(text.strip()) for text in found.values())
    characters = sum(len(re.sub(r"\s", "", text)) for text in found.values())
    return [
        f"{read} of {len(found)}",
        f"{characters:,}",
        letters,
        share(words),
        share(rows),
        share(order),
        f"{seconds:.0f}",
    ]


def letters_kept(found: dict[str, str], documents: Path) -> str:
    """Compare with what one sees on the pages; files that the reference cannot read do not count."""
    from pdfplumber.utils.exceptions import PdfminerException  # here, lest it be there before the readers

    from benchmarks import pdf_letters

    kept = total = 0
    for name, text in found.items():
        try:
            seen = pdf_letters.seen_words(documents / name)
        except PdfminerException:
            continue
        kept += pdf_letters.kept(text, seen)
        total += pdf_letters.total(seen)
    return f"{kept:,} of {total:,}"


def has_row(text: str, cell: str, column: str) -> bool:
    return any(cell in line and column in line for line in text.split("\n"))


def in_order(text: str, phrases: list[str]) -> Iterator[bool]:
    places = [text.find(phrase) for phrase in phrases]
    yield from (0 <= first < second for first, second in pairwise(places))


def share(hits: list[bool]) -> str:
    return f"{sum(hits)} of {len(hits)}" if hits else "–"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=Path, default=ROOT.parent / "shared" / "data" / "documents")
    parser.add_argument("--peers", type=Path)
    parser.add_argument("--only", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peers:
        sys.path.append(str(options.peers))
    if options.only:
        read_all(options.documents, options.only)
        return
    table = Table("loader", "files read", "characters", "letters", "words", "rows", "order", "seconds")
    for peer in PEERS:
        command = [sys.executable, "-W", "ignore", "-m", "benchmarks.loaders", *sys.argv[1:], "--only", peer]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"{peer} is passed over: {done.stderr.strip().splitlines()[-1]}")
            continue
        records = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"name"')]
        found = {each["name"]: each["text"] for each in records}
        pdf = {name: text for name, text in found.items() if name.endswith(".pdf")}
        letters = letters_kept(pdf, options.documents)
        table.add_row(peer, *score(found, sum(each["seconds"] for each in records), letters))
        if peer == "ours":
            seconds = sum(each["seconds"] for each in records if each["name"] in pdf)
            table.add_row("ours, PDF only", *score(pdf, seconds, letters))
    Console(width=120).print(table)


if __name__ == "__main__":
    main()

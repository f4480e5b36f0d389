"""Pages a second of PDF files, beside pypdf and pdfplumber, and of a scanned page beside RapidOCR alone.

    python -m benchmarks.pdf FILE.pdf… [--scan FILE.pdf]

Each reader runs three times in turn in this process; the medians are printed. Text is timed by the processor's clock,
so that other work on the machine does not count; OCR, which uses several threads, by the wall clock.
"""

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

import pdfplumber
import pypdf
import pypdfium2

from loaders import load
from loaders.ocr import read_lines
from loaders.pdf_pictures import render

ROUNDS = 3
Reader = Callable[[Path], int]


def ours(path: Path) -> int:
    return load(path, path.name, pictures=False).pages or 0


def with_pypdf(path: Path) -> int:
    return len([page.extract_text() for page in pypdf.PdfReader(path).pages])


def with_pdfplumber(path: Path) -> int:
    with pdfplumber.open(path) as document:
        return len([(page.extract_text(), page.extract_tables()) for page in document.pages])


def only_ocr(path: Path) -> int:
    document = pypdfium2.PdfDocument(path)
    for page in document:
        read_lines(render(page))
    return len(document)


def pages_a_second(path: Path, readers: Mapping[str, Reader], clock: Callable[[], float]) -> dict[str, float]:
    rates: dict[str, list[float]] = {name: [] for name in readers}
    for _ in range(ROUNDS):
        for name, reader in readers.items():
            started = clock()
            pages = reader(path)
            rates[name].append(pages / (clock() - started))
    return {name: median(each) for name, each in rates.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--scan", type=Path)
    arguments = parser.parse_args()
    text = {"ours": ours, "pypdf": with_pypdf, "pdfplumber": with_pdfplumber}
    for path in arguments.files:
        show(path, pages_a_second(path, text, process_time))
    if arguments.scan:
        show(arguments.scan, pages_a_second(arguments.scan, {"ours": ours, "rapidocr alone": only_ocr}, perf_counter))


def show(path: Path, rates: dict[str, float]) -> None:
    print(f"{path.name}: pages a second: {'  '.join(f'{name} {rate:.2f}' for name, rate in rates.items())}", flush=True)


if __name__ == "__main__":
    main()

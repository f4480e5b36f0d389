"""Pages a second of PDF files, beside pypdf and pdfplumber, and of a scanned page beside RapidOCR alone.

    python -m benchmarks.pdf FILE.pdf… [--scan FILE.pdf]

Each reader runs three times in turn in this process; the medians are printed, in pages a second of processor time, so
that other work on the machine does not count, and of wall time. For `--scan`, the first six pages of the file are drawn
as pictures, which all of the text must then be read from.
"""

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

import numpy as np
import pdfplumber
import pypdfium2

from loaders import load
from loaders.pdf.loader import render
from loaders.pictures.ocr import check_installed

ROUNDS = 3
Reader = Callable[[Path], int]


def ours(path: Path) -> int:
    return load(path, path.name, pictures=False).pages or 0


def with_pypdf(path: Path) -> int:
    import pypdf

    return len([page.extract_text() for page in pypdf.PdfReader(path).pages])


def with_pdfplumber(path: Path) -> int:
    with pdfplumber.open(path) as document:
        return len([(page.extract_text(), page.extract_tables()) for page in document.pages])


def rapidocr_alone() -> Reader:
    """Return a reader that draws the pages and gives each to RapidOCR with its own defaults, one after the other."""
    check_installed()
    from rapidocr import RapidOCR

    engine = RapidOCR(params={"Global.log_level": "critical"})

    def read(path: Path) -> int:
        document = pypdfium2.PdfDocument(path)
        for page in document:
            engine(np.asarray(render(page))[:, :, ::-1])
        return len(document)

    return read


def scanned(path: Path, folder: Path) -> Path:
    """Write the first six pages as pictures."""
    document = pypdfium2.PdfDocument(path)
    drawn = [render(document[index]) for index in range(min(6, len(document)))]
    drawn[0].save(folder / "scan.pdf", save_all=True, append_images=drawn[1:], resolution=144)
    return folder / "scan.pdf"


def pages_a_second(path: Path, readers: Mapping[str, Reader]) -> dict[str, tuple[float, float]]:
    """Return the median pages a second of processor time, and of wall time, of each reader."""
    rates: dict[str, list[tuple[float, float]]] = {name: [] for name in readers}
    for _ in range(ROUNDS):
        for name, reader in readers.items():
            started = process_time(), perf_counter()
            pages = reader(path)
            rates[name].append((pages / (process_time() - started[0]), pages / (perf_counter() - started[1])))
    return {name: (median(one for one, _ in each), median(one for _, one in each)) for name, each in rates.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--scan", type=Path)
    parser.add_argument("--alone", action="store_true", help="without the peers")
    arguments = parser.parse_args()
    peers = {} if arguments.alone else {"pypdf": with_pypdf, "pdfplumber": with_pdfplumber}
    for path in arguments.files:
        show(path, pages_a_second(path, {"ours": ours, **peers}))
    if arguments.scan:
        with TemporaryDirectory() as folder:
            scan = scanned(arguments.scan, Path(folder))
            show(arguments.scan, pages_a_second(scan, {"ours": ours, "rapidocr alone": rapidocr_alone()}))


def show(path: Path, rates: dict[str, tuple[float, float]]) -> None:
    for name, (processor, wall) in rates.items():
        print(
            f"{path.name}: {name}: {processor:.2f} pages a second of processor time, {wall:.2f} of wall time",
            flush=True,
        )


if __name__ == "__main__":
    main()

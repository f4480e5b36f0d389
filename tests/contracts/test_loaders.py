"""Our loaders in their suite, on the samples that come with the service and on a few files written here."""

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import openpyxl
import pptx
import pytest

from kb_server.core.ports import Loader
from kb_server.testing import LoaderSuite
from loaders.formats import FORMATS, Kind
from tests.paths import SAMPLES


class Sample(NamedTuple):
    """A file of a kind: its name among the samples, what it holds or what writes it; and what a person reads in it."""

    kind: Kind
    source: str | bytes | Callable[[Path], None]
    said: tuple[str, ...]


def write_workbook(path: Path) -> None:
    workbook = openpyxl.Workbook()
    workbook.active.append(["key", "place"])
    workbook.active.append(["red", "drawer"])
    workbook.save(path)


def write_slides(path: Path) -> None:
    slides = pptx.Presentation()
    for title in ("Keys", "In the drawer"):
        slides.slides.add_slide(slides.slide_layouts[5]).shapes.title.text = title
    slides.save(str(path))


MAIL = "Subject: Keys\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\nThe key is in the drawer.\r\n"
PAGE = "Content-Type: text/html\r\nMIME-Version: 1.0\r\n\r\n<html><h1>Keys</h1><p>In the drawer.</p></html>"
NOTEBOOK = '{"cells": [{"cell_type": "markdown", "source": ["# Keys"]}], "nbformat": 4, "metadata": {}}'
OURS = [
    Sample(Kind.PDF, "user-manual.pdf", ("kb", "ingest")),
    Sample(Kind.DOCX, "员工手册.docx", ("员工",)),
    Sample(Kind.HTML, "visitor-wifi-policy.html", ("Visitor Wi-Fi policy",)),
    Sample(Kind.MARKDOWN, "faq.md", ("Frequently asked questions", "Privacy", "Documents")),
    Sample(Kind.TEXT, "glossary.txt", ("GLOSSARY OF KB", "Document:", "Chunk:", "Hit:")),
    Sample(Kind.CSV, "device-maintenance-log.csv", ("PR-02 laser printer", "MS-01 microscope")),
    Sample(Kind.JSON, b'[{"key": "drawer"}, {"key": "desk"}]', ("drawer", "desk")),
    Sample(Kind.XML, b"<keys><key>drawer</key><key>desk</key></keys>", ("drawer", "desk")),
    Sample(Kind.NOTEBOOK, NOTEBOOK.encode(), ("Keys",)),
    Sample(Kind.SUBTITLES, b"1\n00:00:01,000 --> 00:00:02,000\nThe drawer.\n", ("The drawer.",)),
    Sample(Kind.CODE, b"def drawer():\n    return 1\n", ("def drawer():", "return 1")),
    Sample(Kind.MAIL, MAIL.encode(), ("Keys", "The key is in the drawer.")),
    Sample(Kind.MHTML, PAGE.encode(), ("Keys", "In the drawer.")),
    Sample(Kind.RST, b"Keys\n====\n\nIn the drawer.\n", ("Keys", "In the drawer.")),
    Sample(Kind.ORG, b"* Keys\n\nIn the drawer.\n", ("Keys", "In the drawer.")),
    Sample(Kind.RTF, rb"{\rtf1\ansi The key is in the drawer.\par}", ("The key is in the drawer.",)),
    Sample(Kind.XLSX, write_workbook, ("key | place", "red | drawer")),
    Sample(Kind.PPTX, write_slides, ("Keys", "In the drawer")),
]


class TestOurs(LoaderSuite):
    @pytest.fixture(params=OURS, ids=lambda sample: sample.kind.value)
    def made(self, request: pytest.FixtureRequest) -> Sample:
        sample: Sample = request.param
        return sample

    @pytest.fixture
    def loader(self, made: Sample) -> Loader:
        module, _, name = FORMATS[made.kind].loader.partition(":")
        made_loader: Loader = getattr(import_module(module), name)()
        return made_loader

    @pytest.fixture
    def sample(self, made: Sample, tmp_path: Path) -> Path:
        if isinstance(made.source, str):
            return SAMPLES / made.source
        path = tmp_path / f"sample{FORMATS[made.kind].suffixes[0]}"
        if isinstance(made.source, bytes):
            path.write_bytes(made.source)
        else:
            made.source(path)
        return path

    @pytest.fixture
    def said(self, made: Sample) -> Sequence[str]:
        return made.said

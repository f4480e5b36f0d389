"""What a progress bar is told."""

from pathlib import Path

from kb_server.ingest.progress import Meter, Progress
from kb_server.ingest.sources import SourceFile


def test_it_never_goes_back() -> None:
    told: list[Progress] = []
    meter = Meter(100, told.append)
    meter.start("a.pdf")
    meter.preview(30)
    meter.page(SourceFile(Path("b.pdf"), "b.pdf", 50), 1, 9)
    meter.preview(10)
    meter.advance(20)
    meter.advance(40)
    assert [step.done for step in told] == [0, 30, 30, 30, 30, 60]
    assert (told[2].current, told[2].page, told[2].pages) == ("b.pdf", 1, 9)

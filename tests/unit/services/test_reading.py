"""Reading ahead: in order, bounded, and left at once when it is stopped."""

import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from kb_server.domain import Document
from kb_server.services.base_files import BaseFiles
from kb_server.services.reading import ReadAhead
from kb_server.services.sources import Source
from loaders.isolated import IsolatedLoader, Limits

TARGET = "tests.unit.loaders.misbehaving:load"


def sources(folder: Path, *words: str) -> list[Source]:
    made = []
    for number, word in enumerate(words):
        path = folder / f"{number}.txt"
        path.write_text(word)
        made.append(Source(path, path.name, len(word)))
    return made


@pytest.fixture
def files(tmp_path: Path) -> BaseFiles:
    made = BaseFiles(tmp_path / "home", "base")
    made.make()
    return made


def test_outcomes_come_in_order_and_name_what_is_unchanged(tmp_path: Path, files: BaseFiles) -> None:
    loader = IsolatedLoader(Limits(20), TARGET)
    try:
        given = sources(tmp_path, "slow 2", "fine", "refuse", *["fine"] * 6)
        reader = ReadAhead(loader.load, files, 2, lambda *_: None)
        outcomes = list(reader.run(given, {}))
        again = list(reader.run(given[1:2], {"1.txt": outcomes[1].digest}))
    finally:
        loader.close()
    assert [outcome.source for outcome in outcomes] == given
    assert [bool(outcome.error) for outcome in outcomes] == [False, False, True, *[False] * 6]
    assert (again[0].document, again[0].error) == (None, None)
    assert {path.name for path in files.originals.iterdir()} == {outcome.file for outcome in outcomes if outcome.file}


@pytest.mark.parametrize("words", [("hang",), ("fine", "hang", "hang", "fine", "fine", "fine")])
def test_ctrl_c_does_not_wait_for_a_file_that_hangs(tmp_path: Path, files: BaseFiles, words: tuple[str, ...]) -> None:
    loader = IsolatedLoader(Limits(60), TARGET)
    begun, pressed = threading.Event(), list[float]()

    def load(path: Path, name: str, on_page: Callable[[int, int], None]) -> Document:
        begun.set()
        return loader.load(path, name, on_page)

    interrupting = threading.Thread(target=_press_ctrl_c, args=(begun, pressed))
    interrupting.start()
    with pytest.raises(KeyboardInterrupt):
        list(ReadAhead(load, files, 2, lambda *_: None).run(sources(tmp_path, *words), {}))
    loader.close()
    assert time.monotonic() - pressed[0] < 10
    interrupting.join()


def _press_ctrl_c(begun: threading.Event, pressed: list[float]) -> None:
    """Interrupt the main thread once a file is being read: a signal any earlier or later would end the test run."""
    main = threading.main_thread().ident
    assert main is not None
    assert begun.wait(60)
    time.sleep(0.5)
    pressed.append(time.monotonic())
    signal.pthread_kill(main, signal.SIGINT)

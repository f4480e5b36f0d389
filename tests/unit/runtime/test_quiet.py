"""Loading models without a word, and speaking as before afterwards."""

import logging

import pytest
from transformers.utils import logging as reports

from kb_server.runtime.quiet import quiet


def _state() -> tuple[int, bool, int]:
    said = logging.getLogger("sentence_transformers").level
    return reports.get_verbosity(), reports.is_progress_bar_enabled(), said


def test_it_is_quiet_within_and_as_before_behind() -> None:
    before = _state()
    with quiet():
        assert _state() == (logging.ERROR, False, logging.ERROR)
    assert _state() == before


def test_an_error_within_changes_nothing_of_that() -> None:
    before = _state()
    with pytest.raises(KeyError), quiet():
        raise KeyError
    assert _state() == before


def test_bars_that_were_off_stay_off() -> None:
    before = reports.is_progress_bar_enabled()
    reports.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        with quiet():
            pass
        assert not reports.is_progress_bar_enabled()
    finally:
        if before:
            reports.enable_progress_bar()  # type: ignore[no-untyped-call]

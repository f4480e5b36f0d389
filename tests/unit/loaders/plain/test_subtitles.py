"""Subtitles."""

from pathlib import Path

import pytest

from kb_server.core.errors import LoadError
from loaders.plain.subtitles import SubtitleLoader
from tests.unit.loaders.reading import blocks, read


def test_subtitles_keep_their_times(tmp_path: Path) -> None:
    first = "1\r\n00:00:01,000 --> 00:00:04,000\r\n<i>Good</i> morning,\r\nsir.\r\n\r\n"
    content = f"{first}2\r\n00:01:05,500 --> 00:01:06,000\r\n再见\r\n"
    assert blocks(read(SubtitleLoader(), tmp_path, "a.srt", content)) == [
        ("list", "00:00:01 Good morning, sir.\n00:01:05 再见")
    ]


def test_marks_go_and_a_cue_without_words_is_none(tmp_path: Path) -> None:
    content = (
        '1\n00:00:01,000 --> 00:00:02,000\n{\\an8}<font color="red">Up</font> here\n\n'
        "2\n00:00:03,000 --> 00:00:04,000\n<i></i>\n\n"
        "3\n1:00:05.500 --> 1:00:06.000 X1:10\nan hour later\n"
    )
    expected = [("list", "00:00:01 Up here\n1:00:05 an hour later")]
    assert blocks(read(SubtitleLoader(), tmp_path, "a.srt", content)) == expected


def test_a_file_without_cues_says_what_a_cue_looks_like(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match=r"'a\.srt' holds no subtitles\..*00:00:01,000 --> 00:00:04,000"):
        read(SubtitleLoader(), tmp_path, "a.srt", "plain words")

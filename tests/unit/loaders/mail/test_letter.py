"""A mail becomes a document: its text once, its attachments named."""

import pytest

from kb_server.core.domain import Document
from loaders.builder import DocumentBuilder
from loaders.mail.letter import Attachment, Letter, add_letter, attachment_name


def _document(letter: Letter) -> Document:
    builder = DocumentBuilder("a")
    add_letter(builder, letter)
    return builder.build()


def test_subject_headers_and_text() -> None:
    letter = Letter(
        "Minutes",
        [("From", "Ann\u00a0 Lee"), ("Cc", " "), ("Date", "today")],
        ["Hello."],
        attachments=[Attachment("a.txt", b"1"), Attachment("b.txt", b"2")],
    )
    document = _document(letter)
    assert document.text.split("\n\n") == ["Minutes", "From: Ann Lee\nDate: today\nAttachments: a.txt, b.txt", "Hello."]
    assert {block.heading_path for block in document.blocks} == {("Minutes",)}


def test_a_text_that_stands_there_twice_is_read_as_html() -> None:
    letter = Letter(plain=["* Budget: 4711 euros"], html=["<ul><li>Budget: 4711 euros</ul>"])
    assert [block.kind for block in _document(letter).blocks] == ["list"]


@pytest.mark.parametrize(
    ("plain", "kept"),
    [
        ("one two three four", False),
        ("one two three other", False),
        ("one two other words", False),  # half of the words are new, no more
        ("one some other words", True),
        ("", False),
    ],
)
def test_a_plain_text_stays_if_more_than_half_of_its_words_are_new(plain: str, kept: bool) -> None:
    text = _document(Letter(plain=[plain], html=["<p>One two, three FOUR five</p>"])).text
    assert text == "One two, three FOUR five" + (f"\n\n{plain}" if kept else "")


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ann\\报价.txt", "报价.txt"),
        ("two\nlines.txt", "two lines.txt"),
        ("..", "attachment-7.bin"),
        ("folder/", "folder"),
        ("", "attachment-7.bin"),
    ],
)
def test_a_name_that_a_stranger_gave_is_never_a_path(given: str, name: str) -> None:
    assert attachment_name(given, 7, ".bin") == name

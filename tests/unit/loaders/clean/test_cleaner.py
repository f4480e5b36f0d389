"""Cleaning: what is set aside, what is redacted, and that offsets stay exact."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb_server.core.domain import Document, Redaction
from kb_server.core.errors import LoadError
from kb_server.text.characters import clean
from loaders.builder import DocumentBuilder
from loaders.clean.cleaner import Cleaner
from loaders.clean.redaction import redact, redact_text
from loaders.split.splitter import SentenceSplitter

ALL = tuple(Redaction)


def document(*paragraphs: str) -> Document:
    builder = DocumentBuilder("a.txt")
    for paragraph in paragraphs:
        builder.lines(paragraph)
    return builder.build()


def left(found: Document) -> list[str]:
    return [found.text[block.start : block.end] for block in found.blocks]


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("Write to jane.doe+x@mail.example.co.uk today.", "Write to [email] today."),
        ("电话13812345678。", "电话[phone]。"),
        ("Call +86 138 1234 5678 or 010-12345678.", "Call [phone] or [phone]."),
        ("Call (415) 555-2671 or +44 20 7946 0958.", "Call [phone] or [phone]."),
        ("身份证号11010519491231002X。", "身份证号[id_card]。"),
        ("Card 4111 1111 1111 1111 is declined.", "Card [bank_card] is declined."),
        ("AKIAIOSFODNN7EXAMPLE and ghp_" + "a1" * 18, "[key] and [key]"),
        ("password=correct-horse9 stays out", "password=[key] stays out"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\nowIB\n-----END RSA PRIVATE KEY-----", "[key]"),
    ],
)
def test_what_is_redacted(text: str, redacted: str) -> None:
    assert redact_text(text, ALL) == redacted


@pytest.mark.parametrize(
    "text",
    [
        "110105194912310021 has a wrong check digit",
        "4111 1111 1111 1112 too",
        "In 2024 we sold 1,381,234 units at 3.14159265358979.",
        "ISBN 978-3-16-148410-0, version 10.20.30, 2024-01-31",
        "user@localhost and a@b",
        "The password is kept secret; the token expires.",
    ],
)
def test_what_only_looks_like_it(text: str) -> None:
    assert redact_text(text, ALL) == text


def test_offsets_count_the_redacted_text() -> None:
    builder = DocumentBuilder("a.txt")
    builder.heading(1, "Contact jane@example.org")
    builder.paragraph("Ask jane@example.org or joe@example.org. Then wait.")
    builder.paragraph("Nothing here.")
    found = redact(builder.build(), ALL)
    assert found.text == "Contact [email]\n\nAsk [email] or [email]. Then wait.\n\nNothing here."
    assert left(found) == found.text.split("\n\n")
    assert found.blocks[1].heading_path == ("Contact [email]",)
    for part in SentenceSplitter(20, 0).split(found):
        assert "example.org" not in found.text[part.start : part.end]


@given(st.lists(st.text(alphabet="ab1 @.+-:=\n中", min_size=1, max_size=60), max_size=5))
def test_redaction_keeps_blocks_and_gaps(paragraphs: list[str]) -> None:
    before = document(*paragraphs)
    after = redact(before, ALL)
    assert [redact_text(text, ALL) for text in left(before)] == left(after)


def test_long_hostile_text_takes_linear_time() -> None:
    for piece in ("a.", "1 ", "1-", "a@", "a@b.", "-----BEGIN PRIVATE KEY-----", "eyJaaaaaaaaaaaa."):
        redact_text(piece * 100_000, ALL)


@pytest.mark.parametrize(
    ("noise", "reason"),
    [
        ("CafÃ© crÃ¨me dÃ©jÃ vu Ã  la carte naÃ¯ve", "wrongly decoded"),
        ("锟斤拷锟斤拷锟斤拷 一二三", "wrongly decoded"),
        (clean("本制度适用于全体员工，年假为十五天。".encode().decode("latin-1")), "wrongly decoded"),
        ("本制度适用于全体员工，年假为十五天。".encode().decode("cp1252", "replace"), "wrongly decoded"),
        ("A" * 50 + "b3+/" * 300, "binary"),
        ("~!@#$%^&*()_+" * 8, "binary"),
        ("tick\n" * 40, "over and over"),
        ("Denerim " + "." * 50 + " 59\nOgre . . . . . . . . 270", "table of contents"),
    ],
)
def test_noise_is_set_aside_with_a_reason(noise: str, reason: str) -> None:
    cleaned = Cleaner().clean(document("A sentence of sense.", noise))
    assert left(cleaned.document) == ["A sentence of sense."]
    assert [reason in each for each in cleaned.set_aside] == [True]
    assert Cleaner(low_quality=False).clean(document(noise)).set_aside == {}
    with pytest.raises(LoadError, match=r"cleaning\.low_quality"):
        Cleaner().clean(document(noise))


@pytest.mark.parametrize(
    "text",
    [
        "Ein Café à la carte, naïve Âge.",
        "«é», ¿qué?, não º 1",
        f"{'_' * 70}\nEffective date",
        "Wait ........ what?",
        "中文段落，没有乱码。",
        "x² + y² = z²",
        "https://example.org/a/b?c=d",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    assert Cleaner().clean(document(text)).set_aside == {}


def test_boilerplate_stays_once() -> None:
    texts = [text for n in range(5) for text in (f"Story {n} is about something of its own.", "Back to top")]
    cleaned = Cleaner().clean(document(*texts))
    assert left(cleaned.document).count("Back to top") == 1
    assert cleaned.set_aside == {"repeated boilerplate": 4}
    assert len(left(Cleaner(boilerplate=False).clean(document(*texts)).document)) == 10

"""Secrets and personal data go; what only looks like them stays, and offsets stay exact."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb_server.core.domain import Redaction
from loaders.builder import DocumentBuilder
from loaders.clean.redaction import is_bank_card, is_id_card, redact, redact_text
from loaders.split.splitter import SentenceSplitter
from tests.unit.loaders.clean.paragraphs import document, left

ALL = tuple(Redaction)


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
    "number", ["4111111111111111", "5500 0000 0000 0004", "340000000000009", "6011-0000-0000-0004"]
)
def test_card_numbers_published_for_tests(number: str) -> None:
    assert is_bank_card(number)


@pytest.mark.parametrize("number", ["4111111111111112", "4111111111111", "0000000000000000", "4" * 20])
def test_other_numbers_are_no_card(number: str) -> None:
    assert not is_bank_card(number)


@given(st.text("0123456789", min_size=12, max_size=17), st.integers(0, 9), st.integers(1, 9))
def test_one_wrong_digit_is_noticed(digits: str, place: int, more: int) -> None:
    """What the formula of Luhn promises: any single wrong digit."""
    number = next(found for last in "0123456789" if _luhn(found := f"{digits}{last}"))
    wrong = number[:place] + str((int(number[place]) + more) % 10) + number[place + 1 :]
    assert not _luhn(wrong)


def _luhn(number: str) -> bool:
    return is_bank_card(number) or len(set(number)) == 1


def test_the_number_printed_in_the_standard_of_identity_cards() -> None:
    """GB 11643-1999 gives both as examples; no other last digit fits the first."""
    assert is_id_card("11010519491231002X")
    assert is_id_card("440524188001010014")
    assert [last for last in "0123456789X" if is_id_card("11010519491231002" + last)] == ["X"]
    assert not is_id_card("110105194913310021")


def test_only_what_is_asked_for_goes() -> None:
    text = "Ask jane@example.org or 13812345678."
    assert redact_text(text, [Redaction.EMAIL]) == "Ask [email] or 13812345678."
    assert redact_text(text, []) == text

"""What is set aside as noise, and what only looks like it."""

import pytest

from kb_server.core.domain import Document
from kb_server.text.characters import clean
from loaders.builder import DocumentBuilder
from loaders.clean.cleaner import set_aside_boilerplate, set_aside_low_quality
from tests.unit.loaders.clean.paragraphs import document, left


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
    cleaned = set_aside_low_quality(document("A sentence of sense.", noise))
    assert left(cleaned.document) == ["A sentence of sense."]
    assert [reason in each for each in cleaned.set_aside] == [True]


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
    assert set_aside_low_quality(document(text)).set_aside == {}


def _of(kind: str, text: str) -> Document:
    builder = DocumentBuilder("a")
    getattr(builder, kind)(text)
    return builder.build()


@pytest.mark.parametrize("kind", ["code", "picture"])
def test_code_and_pictures_may_hold_anything(kind: str) -> None:
    noise = "~!@#$%^&*()_+" * 8
    assert set_aside_low_quality(_of(kind, noise)).set_aside == {}
    assert set_aside_low_quality(_of("lines", noise)).set_aside == {"binary or meaningless characters": 1}


def test_the_text_stays_as_it_is_so_that_places_in_it_do() -> None:
    before = document("One.", "锟斤拷锟斤拷锟斤拷 一二三", "Two.")
    after = set_aside_low_quality(before).document
    assert after.text == before.text
    assert after.blocks == (before.blocks[0], before.blocks[2])


@pytest.mark.parametrize(("times", "left_of_it"), [(3, 3), (4, 1), (9, 1)])
def test_a_short_block_that_stands_four_times_stays_once(times: int, left_of_it: int) -> None:
    found = set_aside_boilerplate(document("Own words.", *["Back to  top"] * times))
    assert len(left(found.document)) == 1 + left_of_it
    assert sum(found.set_aside.values()) == times - left_of_it


def test_long_blocks_are_never_boilerplate() -> None:
    assert set_aside_boilerplate(document(*["x" * 101] * 5)).set_aside == {}
    assert set_aside_boilerplate(document(*["x" * 100] * 5)).set_aside == {"repeated boilerplate": 4}

"""What people take for the same is compared as the same; right values are written by hand."""

import pytest

from kb_server.text.folding import fold
from kb_server.text.terms import codes, terms


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ＬＫ－２０７", "lk-207"),
        ("標準體重", "标准体重"),
        ("⻔诊⼀楼", "门诊一楼"),
        ("Straße", "STRASSE"),
        ("ｶﾀｶﾅ", "カタカナ"),
    ],
)
def test_folded_texts_are_one(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(
    ("one", "other", "term"),
    [
        ("三百八十元", "380元", "380"),
        ("1,980 kg", "１９８０公斤", "1980kilogram"),
        ("两千", "2000", "2000"),
        ("百分之五", "5%", "5percent"),
        ("2025-04-17", "17 April 2025", "2025m4d17"),
        ("2025年4月17日", "04/17/2025", "2025m4d17"),
        ("April 17, 2025", "Apr 2025, 17/04/2025", "2025m4d17"),
        ("lk207", "LK-207", "lk207"),
        ("010-6655-1234", "01066551234", "01066551234"),
        ("v2.4.0", "version 2.4.0", "2.4.0"),
    ],
)
def test_both_ways_of_writing_share_a_term(one: str, other: str, term: str) -> None:
    assert term in terms(one)
    assert term in terms(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("LK-007", "LK-7"), ("2.10.1", "2.1.1"), ("03/04/2025", "3 April 2025"), ("1,98", "198"), ("LK-207", "LK-208")],
)
def test_what_differs_shares_no_whole(one: str, other: str) -> None:
    wholes = {term for term in terms(one) if len(term) > 3}
    assert not wholes & set(terms(other)) - {"2025"}


def test_codes_are_told_from_measures_and_ordinals() -> None:
    assert codes("LK-207, lk207, SA-2024-0001 and v2.4.0") == ["lk207", "sa20240001", "2.4.0"]
    assert codes("the 20th, 5kg, Q3 2024, 98.5%, COVID-19, 12/34") == []


@pytest.mark.parametrize("text", ["", "😀😀", "a", "العقد", "สัญญา", "ab中文cd", "?" * 5000, "١٢٣"])
def test_odd_texts_have_terms_or_none(text: str) -> None:
    assert all(term and " " not in term for term in terms(text))

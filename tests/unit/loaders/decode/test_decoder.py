"""Bytes of many encodings become the text they were."""

import codecs
import contextlib
import random
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from loaders.decode.decoder import Undecodable, decode


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("知识库问答", "gb18030"),
        ("机器学习", "gbk"),
        ("不会", "gbk"),
        ("知识", "gbk"),
        ("价格：100元", "gbk"),
        ("設備資料", "big5"),
        ("標題：資料庫系統說明", "big5"),
        ("我們在臺北", "big5"),
        ("これはテストです。", "cp932"),
        ("データベース", "cp932"),
        ("日本語の文章", "euc_jp"),
        ("これはテストです。", "iso2022_jp"),
        ("한국어 문서입니다", "cp949"),
        ("Müller straße", "cp1252"),
        ("“quoted” — text…", "cp1252"),
        ("café", "cp1252"),
        ("é", "latin-1"),
        ("Привет, мир! Это проверка кодировки текста на русском языке.", "cp1251"),
        ("Zażółć gęślą jaźń. Polska treść z różnymi znakami, które są używane często.", "cp1250"),
        ("hello world", "utf-16-le"),
        ("hello world", "utf-16-be"),
        ("hello", "utf-32-le"),
        ("你好世界。\n再见", "utf-16-le"),
        ("你好世界，再见", "utf-16-be"),
        ("Привет", "utf-16-le"),
        ("emoji 🎉 中文", "utf-8"),
    ],
)
def test_round_trip_without_a_mark(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding)) == text


@given(st.text(), st.sampled_from(["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"]))
def test_round_trip_with_a_mark(text: str, encoding: str) -> None:
    mark = getattr(codecs, f"BOM_{encoding.upper().replace('-', '_').replace('UTF_', 'UTF')}")
    if encoding == "utf-16-le" and text.startswith("\0"):
        return  # the same bytes as the mark of UTF-32
    assert decode(mark + text.encode(encoding)) == text


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])))
@example("Größe, naïve, año, ελληνικά, русский, עברית, Tiếng Việt")
def test_utf8_is_never_taken_for_anything_else(text: str) -> None:
    is_ambiguous = re.search("[\u0250-\u036f\u0483-\u0489\u0591-\u05cf\u0700-\u07ff]", text) is not None
    if not is_ambiguous and not text.startswith("\ufeff"):
        assert decode(text.encode("utf-8")) == text


@given(st.binary(max_size=200))
def test_any_bytes_give_text_or_undecodable(data: bytes) -> None:
    with contextlib.suppress(Undecodable):
        decode(data)


def test_noise_is_refused() -> None:
    for seed in range(20):
        with pytest.raises(Undecodable):
            decode(random.Random(seed).randbytes(300))


def test_declared_charset_decides_and_a_wrong_one_is_ignored() -> None:
    assert decode("Größe".encode("iso8859-15"), "iso-8859-15") == "Größe"
    assert decode("Größe".encode("cp1252"), "no-such-charset") == "Größe"
    assert decode("数据".encode(), "big5") == "数据"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"before\0after\0\x01\x02 a papaya\x1b[31m red\x7f", "beforeafter\x01\x02 a papaya\x1b[31m red\x7f"),
        (b"12:01 started\n" + b"\0" * 5000 + "12:09 重新启动\n".encode(), "12:01 started\n12:09 重新启动\n"),
        (b"lone \xed\xa0\x80 half, \xed\xa0\xbd\xed\xb8\x80 pair", "lone  half, \U0001f600 pair"),
    ],
)
def test_nuls_and_surrogates_in_utf8(data: bytes, text: str) -> None:
    assert decode(data) == text


def test_a_few_damaged_bytes_do_not_spoil_utf8() -> None:
    data = "知识库问答系统的说明文档，包含许多内容。".encode()
    assert decode(data + b"\xe7\x9f") == data.decode()

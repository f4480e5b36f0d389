"""Tables as text."""

from pathlib import Path

import pytest

from kb_server.core.domain import BlockKind
from loaders.data.csv import CsvLoader, detect_delimiter
from tests.unit.loaders.reading import blocks, read


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_delimiters(tmp_path: Path, delimiter: str) -> None:
    rows = [["姓名", "城市", "说明"], ["李雷", "北京", '"第一行\n第二行"']]
    source = "\r\n".join(delimiter.join(row) for row in rows)
    assert blocks(read(CsvLoader(), tmp_path, "a.csv", source)) == [
        ("table", "姓名: 李雷; 城市: 北京; 说明: 第一行第二行")
    ]


def test_csv_with_a_quote_that_never_ends(tmp_path: Path) -> None:
    source = 'a,b\n1,"2\n' + "3,4\n" * 50_000
    document = read(CsvLoader(), tmp_path, "a.csv", source)
    assert document.blocks[0].kind is BlockKind.TABLE
    assert document.text.count("\n") == 50_000


def test_csv_sep_line(tmp_path: Path) -> None:
    assert read(CsvLoader(), tmp_path, "a.csv", "sep=;\na;b,c\n1;2\n").text == "a: 1; b,c: 2"


def test_a_title_above_a_csv_table_is_a_heading(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("Stanley Cups,,\nTeam,Location,Cups\nBlues,STL,1\n", "utf-8")
    document = CsvLoader().load(path, "a.csv")
    assert document.text == "Stanley Cups\n\nTeam: Blues; Location: STL; Cups: 1"
    assert document.blocks[1].heading_path == ("Stanley Cups",)


def test_a_csv_of_one_column(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("Lorem ipsum\nconsectetur\n", "utf-8")
    assert CsvLoader().load(path, "a.csv").text == "Lorem ipsum\nconsectetur"


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("a;b\n1,5;2,5\n3,0;4,0\n", ";"),
        ("name\tnote\nx\tone, two; three\n", "\t"),
        ('a,"b;c;d"\ne,f\n', ","),
        ("one word\nanother word\n", ","),
        ("", ","),
    ],
)
def test_the_delimiter_is_the_one_that_cuts_rows_alike(text: str, delimiter: str) -> None:
    assert detect_delimiter(text) == delimiter


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ('="000123"', "000123"),
        ('"=""000123"""', "000123"),
        (' ="007" ', "007"),
        ("000123", "000123"),
        ('="a"&B1', '="a"&B1'),
        ("=1+1", "=1+1"),
        ('="1"="2"', '="1"="2"'),
    ],
)
def test_figures_that_excel_is_told_to_take_as_text(tmp_path: Path, cell: str, text: str) -> None:
    document = read(CsvLoader(), tmp_path, "a.csv", f"编号,名称,金额\n{cell},泵,88\n")
    assert document.text == f"编号: {text}; 名称: 泵; 金额: 88"

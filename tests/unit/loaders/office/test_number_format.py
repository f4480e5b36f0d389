"""Values as Excel's number formats show them; the right texts were written down from what Excel shows."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loaders.office.number_format import EAST_ASIAN_DATES, cell_text, duration_text, is_date, is_duration, serial_text


@pytest.mark.parametrize(
    ("value", "code", "text"),
    [
        (98.5, '0.0"%"', "98.5%"),
        (0.15, "0%", "15%"),
        (0.125, "0.00%", "12.5%"),
        (98.5, r"0.0\%", "98.5%"),
        (1234, "000000", "001234"),
        (7, "00", "07"),
        (12345678, "000000", "12345678"),
        (350, '0"万元"', "350万元"),
        (12.5, '0.0"吨"', "12.5吨"),
        (350, "0万元", "350万元"),
        (1234.5, '"¥"#,##0.00', "¥1234.5"),
        (1234.5, "[$€-407] #,##0.00", "€ 1234.5"),
        (12, "[$USD] 0", "USD 12"),
        (-12, "$#,##0;-$#,##0", "-$12"),
        (-1234, "#,##0;(#,##0)", "-1234"),
        (-5, '0"盈";0"亏"', "5亏"),
        (-5, '0"盈"', "-5盈"),
        (-5, "0;[Red]0", "-5"),
        (0, '0;-0;"无"', "无"),
        (0, '0;-0;"-"', "0"),
        (3, ";;;", "3"),
        (1, '[=1]"是";[=0]"否";0', "是"),
        (0, '[=1]"是";[=0]"否";0', "否"),
        (7, '[=1]"是";[=0]"否";0', "7"),
        (150, '[>=100]0"多";0"少"', "150多"),
        (1234567, '0.00,,"百万"', "1.234567百万"),
        (123456, '0!.0,"万"', "12.3万"),
        (13812345678, "000-0000-0000", "138-1234-5678"),
        (330, "General", "330"),
        (330, 'General"元"', "330元"),
        (330, 'G/通用格式"元"', "330元"),
        (2.25, "# ?/?", "2 1/4"),
        (0.5, "# ?/?", "1/2"),
        (0.375, "?/8", "3/8"),
        (3, "# ?/?", "3"),
        (1.5, "?/?", "3/2"),
        (12, "0_);(0)", "12"),
        (12345, "0.00E+00", "12345"),
        (7, '"No. "000', "No. 007"),
        (7, '"第"0"期"', "第7期"),
        (20240306, "0000-00-00", "2024-03-06"),
        ("张", '@"先生"', "张先生"),
        ("张", "@", "张"),
        ("张", '0"元"', "张"),
        (True, "0%", "TRUE"),
        (12, '0"km/h"', "12km/h"),
        (25, "0℃", "25℃"),
        (3, '_-* #,##0.00\\ "kr"_-', "3 kr"),
        (1e20, "0", "1e+20"),
    ],
)
def test_numbers(value: object, code: str, text: str) -> None:
    assert cell_text(value, code) == text


@pytest.mark.parametrize(
    ("value", "code", "text"),
    [
        (datetime.datetime(2024, 3, 6), 'yyyy"年"m"月"d"日"', "2024-03-06"),
        (datetime.datetime(2024, 3, 1), 'yyyy"年"m"月"', "2024-03"),
        (datetime.datetime(2024, 3, 6), 'yyyy"年"m"月"', "2024-03-06"),
        (datetime.datetime(2024, 1, 1), "yyyy", "2024"),
        (datetime.datetime(2024, 3, 1), "m/d/yyyy", "2024-03-01"),
        (datetime.datetime(2024, 3, 1, 8, 30), "yyyy-mm-dd h:mm", "2024-03-01 08:30:00"),
        (datetime.time(8, 5), "h:mm", "08:05:00"),
        (datetime.timedelta(hours=26, minutes=30), "[h]:mm", "26:30"),
        (datetime.timedelta(hours=26, minutes=30), "[h]:mm:ss", "26:30:00"),
        (datetime.timedelta(minutes=90, seconds=15), "[m]:ss", "90:15"),
        (datetime.timedelta(seconds=75), "[s]", "75"),
        (datetime.timedelta(hours=-1), "[h]:mm", "-1:00"),
    ],
)
def test_dates_and_durations(value: object, code: str, text: str) -> None:
    assert cell_text(value, code) == text


def test_what_counts_hours_is_a_duration() -> None:
    assert is_duration("[h]:mm")
    assert not is_duration("h:mm")
    assert not is_duration('[Red]0"h"')
    assert duration_text(3600.0, "[hh]:mm") == "1:00"


@pytest.mark.parametrize(
    ("value", "code", "text"),
    [
        (45357, EAST_ASIAN_DATES[31], "2024-03-06"),
        (45352, EAST_ASIAN_DATES[57], "2024-03"),
        (45357.5, "yyyy-mm-dd hh:mm", "2024-03-06 12:00:00"),
        (0.75, EAST_ASIAN_DATES[32], "18:00:00"),
        (1.5, "[h]:mm", "36:00"),
        (1, "yyyy-m-d", "1900-01-01"),
        (61, "yyyy-m-d", "1900-03-01"),
        (10**12, "yyyy-m-d", "1000000000000"),
    ],
)
def test_days_since_1900(value: float, code: str, text: str) -> None:
    assert is_date(code)
    assert serial_text(value, code) == text


def test_days_since_1904() -> None:
    assert serial_text(43895, "yyyy-mm-dd", from_1904=True) == "2024-03-06"


@pytest.mark.parametrize("code", ["General", '0"days"', "[Red]0", r"0\d", "0_d", "G/通用格式"])
def test_numbers_are_no_dates(code: str) -> None:
    assert not is_date(code)


@given(st.floats(allow_nan=False, allow_infinity=False, width=32), st.text('0#?.,%;/@[]"_*\\!E+-Gab年', max_size=12))
def test_no_format_makes_it_fail(value: float, code: str) -> None:
    assert isinstance(cell_text(value, code), str)


@given(st.integers(-(10**9), 10**9), st.sampled_from(["0", "#,##0", '0"元"', "0.00", "[Red]0;(0)", "000"]))
def test_the_number_can_be_read_back(value: int, code: str) -> None:
    assert int(cell_text(value, code).rstrip("元")) == value

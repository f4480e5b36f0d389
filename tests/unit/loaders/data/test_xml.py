"""XML of any vocabulary."""

from pathlib import Path

import pytest

from kb_server.core.errors import LoadError
from loaders.data.xml import XmlLoader, parse_xml
from tests.unit.loaders.reading import blocks, read


def test_xml_records_are_lines_and_mixed_text_is_prose(tmp_path: Path) -> None:
    content = """<?xml version="1.0"?><book xmlns="urn:x">
    <entry no="7"><name>US</name><capital>Washington</capital></entry>
    <p>Some <b>bold</b> words.</p></book>"""
    assert blocks(read(XmlLoader(), tmp_path, "a.xml", content)) == [
        ("list", "no: 7; name: US; capital: Washington"),
        ("paragraph", "Some bold words."),
    ]


def test_xml_in_another_encoding_than_it_says(tmp_path: Path) -> None:
    content = '<?xml version="1.0" encoding="UTF-8"?><a>中文内容在这里</a>'.encode("utf-16")
    assert blocks(read(XmlLoader(), tmp_path, "a.xml", content)) == [("paragraph", "中文内容在这里")]


def test_attributes_count_where_there_is_no_text(tmp_path: Path) -> None:
    content = '<list><city name="Oslo" pop="700000"/><city name="Bergen"/><city>Molde</city></list>'
    found = blocks(read(XmlLoader(), tmp_path, "a.xml", content))
    assert found == [("list", "name: Oslo; pop: 700000\nname: Bergen"), ("paragraph", "Molde")]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("<a><b></a>", "no valid XML"),
        ("", "no valid XML"),
        ("<a>" * 100_000, "nested too deeply"),
        ('<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', "entities of its own"),
    ],
)
def test_what_cannot_be_read_says_why(content: str, reason: str) -> None:
    with pytest.raises(LoadError, match=rf"'a\.xml' .*{reason}"):
        parse_xml(content.encode(), "a.xml")

"""Plain text: paragraphs, lines, lists and chapters."""

from pathlib import Path

import pytest

from kb_server.core.errors import LoadError
from loaders.plain.text import TextLoader
from tests.unit.loaders.reading import blocks, read


def test_text_joins_wrapped_lines_and_keeps_others(tmp_path: Path) -> None:
    wrapped = (
        "This paragraph was wrapped by an editor at seventy columns, as one\n"
        "used to do in the days of terminals, and its lines belong together\n"
        "up to the end."
    )
    document = read(
        TextLoader(), tmp_path, "a.txt", f"{wrapped}\n\nRoses are red,\nviolets are blue.\n\n- one\n- two\n"
    )
    assert blocks(document) == [
        ("paragraph", wrapped.replace("\n", " ")),
        ("paragraph", "Roses are red,\nviolets are blue."),
        ("list", "- one\n- two"),
    ]


def test_text_knows_chapters(tmp_path: Path) -> None:
    document = read(TextLoader(), tmp_path, "a.txt", "第一章 总则\n\n本法自公布之日起施行。\n\nCHAPTER II\n\nText.\n")
    assert [block.heading_path for block in document.blocks][1::2] == [("第一章 总则",), ("CHAPTER II",)]


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ("第二编 分则", ("第二编 分则",)),
        ("第十二节：附则", ("第十二节：附则",)),
        ("CHAPTER IV The Harbour", ("CHAPTER IV The Harbour",)),
        ("第三章的内容很多，我们下次再说。", ()),
        ("SECTION without a number", ()),
    ],
)
def test_a_line_alone_is_a_heading_if_it_is_numbered_like_one(tmp_path: Path, line: str, path: tuple[str, ...]) -> None:
    document = read(TextLoader(), tmp_path, "a.txt", f"{line}\n\nWhat follows.\n")
    assert document.blocks[-1].heading_path == path


def test_a_part_holds_chapters_and_a_chapter_sections(tmp_path: Path) -> None:
    lines = ["第一编 总则", "第一章 范围", "第一节 定义", "甲。", "第二章 期限", "乙。", "PART II", "丙。"]
    document = read(TextLoader(), tmp_path, "a.txt", "\n\n".join(lines))
    paths = {document.text[b.start : b.end]: b.heading_path for b in document.blocks}
    assert paths["甲。"] == ("第一编 总则", "第一章 范围", "第一节 定义")
    assert paths["乙。"] == ("第一编 总则", "第二章 期限")
    assert paths["丙。"] == ("PART II",)


def test_an_indented_line_goes_on_with_its_item(tmp_path: Path) -> None:
    content = "1. the first\n   and its end\n2) the second\n（三）第三条\n"
    assert blocks(read(TextLoader(), tmp_path, "a.txt", content)) == [
        ("list", "1. the first and its end\n2) the second\n（三）第三条")
    ]


def test_chinese_lines_wrapped_at_forty_columns_are_joined(tmp_path: Path) -> None:
    """Each character takes two columns, so twenty of them fill a line of forty."""
    content = "\n".join(["知识库问答系统回答文档里的问题并且引用" + "它"] * 3 + ["说完了。"])
    assert "\n" not in read(TextLoader(), tmp_path, "a.txt", content).text


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match=r"'a\.txt' is not text in any known encoding"):
        read(TextLoader(), tmp_path, "a.txt", bytes(range(256)) * 4)

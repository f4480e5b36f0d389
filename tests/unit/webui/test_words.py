"""What the page says: in both languages, with the same blanks, and nothing that is not said."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import webui
from webui.pages.bases import words as bases
from webui.pages.chat import words as chat
from webui.pages.evaluation import words as evaluation
from webui.pages.knn import words as knn
from webui.pages.system import words as system
from webui.shell import words as shell
from webui.shell.phrases import Phrase, Say

SOURCE = Path(webui.__file__).parent
WORDS = {"shell": shell, "bases": bases, "chat": chat, "evaluation": evaluation, "knn": knn, "system": system}


def phrases() -> Iterator[tuple[str, Phrase]]:
    for page, words in WORDS.items():
        for name, value in vars(words).items():
            if isinstance(value, Phrase):
                yield f"{page}.{name}", value
            elif isinstance(value, dict) and name.isupper() and not name.endswith("_ZH"):  # those are in Chinese only
                yield from ((f"{page}.{name}[{key}]", one) for key, one in value.items())


def test_no_page_is_left_out() -> None:
    assert set(WORDS) == {path.parent.name for path in SOURCE.rglob("words.py")}


@pytest.mark.parametrize(("name", "phrase"), list(phrases()), ids=lambda value: value if isinstance(value, str) else "")
def test_a_phrase_is_complete(name: str, phrase: Phrase) -> None:
    assert phrase.en.strip(), name
    assert phrase.zh.strip(), name
    blanks = [sorted(re.findall(r"\{(\w+)\}", text)) for text in phrase]
    assert blanks[0] == blanks[1], name
    assert not re.search(r"[\u4e00-\u9fff]", phrase.en), f"{name}: Chinese in the English text"
    words = re.sub(r"\{\w+\}|[\W\d_]", "", phrase.zh)
    assert not words or phrase.en == phrase.zh or re.search(r"[\u4e00-\u9fff]", words), f"{name}: no Chinese"


def test_every_phrase_is_said_somewhere() -> None:
    code = "\n".join(path.read_text("utf-8") for path in SOURCE.rglob("*.py") if path.name != "words.py")
    names = {name.split("[")[0].rpartition(".")[2] for name, _ in phrases()}
    assert sorted(name for name in names if not re.search(rf"\.{name}\b", code)) == []


def test_blanks_are_filled_in() -> None:
    phrase = Phrase("{n} of {total}", "{total} 个中的 {n} 个")
    assert (Say("en")(phrase, n=1, total=2), Say("zh")(phrase, n=1, total=2)) == ("1 of 2", "2 个中的 1 个")


def test_a_code_has_its_name_or_is_its_own() -> None:
    names = {"done": Phrase("done", "完成")}
    assert [Say("zh").name(names, code) for code in ("done", "of tomorrow")] == ["完成", "of tomorrow"]

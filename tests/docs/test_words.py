"""docs/words.md: no word twice, and the classes it names are there."""

import re

from tests.paths import ROOT

TEXT = (ROOT / "docs" / "words.md").read_text("utf-8")
ROWS = re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", TEXT, re.MULTILINE)
WORDS = [word.strip() for word, _ in ROWS if word != "Word"]
CODE = ("kb_server", "loaders", "vectorstores")


def test_no_word_is_listed_twice() -> None:
    assert len(WORDS) > 80
    assert sorted(WORDS) == sorted(set(WORDS))


def test_each_line_has_a_meaning() -> None:
    assert all(len(meaning.split()) >= 3 for word, meaning in ROWS if word != "Word")


def test_every_class_it_names_is_defined_once() -> None:
    """A word has one meaning, so its class has one definition; the API may have a shape of the same name."""
    paths = [path for folder in CODE for path in (ROOT / folder).rglob("*.py") if "v1" not in path.parts]
    sources = "\n".join(path.read_text("utf-8") for path in paths)
    defined = re.findall(r"^class (\w+)", sources, re.MULTILINE)
    named = re.findall(r"`([A-Z]\w+)`", TEXT)
    assert len(named) > 50
    assert {name: defined.count(name) for name in named} == dict.fromkeys(named, 1)

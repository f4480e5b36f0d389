"""Everything the page says, in English and Chinese, one file a page."""

from typing import Literal, NamedTuple

LanguageName = Literal["en", "zh"]


class Phrase(NamedTuple):
    """One thing said in both languages; `{names}` in it are filled in."""

    en: str
    zh: str


class Say:
    """Says phrases in one language."""

    def __init__(self, language: LanguageName) -> None:
        self.language: LanguageName = language

    def __call__(self, phrase: Phrase, **values: str | int | float) -> str:
        """Return a phrase with its blanks filled in."""
        text = phrase.zh if self.language == "zh" else phrase.en
        return text.format(**values) if values else text

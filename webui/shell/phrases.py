"""Everything the page says, in English and Chinese, one file a page."""

from collections.abc import Mapping
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

    def name(self, phrases: Mapping[str, Phrase], code: str) -> str:
        """Return what the service's `code` is called, or the code itself if the page knows no phrase for it."""
        return self(phrases[code]) if code in phrases else code

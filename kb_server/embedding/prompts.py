"""What is put before a text so that a model knows whether it reads a question or a passage.

A model's own `prompts` win over its family's. Families are told by name: bge-…-zh and bge-…-en want an instruction
before questions, e5 a word before both; instruct variants, bge-m3 and the rest want nothing unless they say so.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from kb_server.embedding.model_folder import read_json


@dataclass(frozen=True, slots=True)
class Prompts:
    """Texts put before questions and passages; empty for none."""

    query: str = ""
    passage: str = ""


FAMILIES = (
    (re.compile(r"\bbge-(small|base|large)-zh"), Prompts(query="为这个句子生成表示以用于检索相关文章：")),
    (
        re.compile(r"\bbge-(small|base|large)-en"),
        Prompts(query="Represent this sentence for searching relevant passages: "),
    ),
    (re.compile(r"\be5-(small|base|large)(?!.*instruct)"), Prompts(query="query: ", passage="passage: ")),
)


def prompts_of(folder: Path, names: Iterable[str], query: str | None, passage: str | None) -> Prompts:
    """Return the prompts of a model: each explicit one, else the model's own, else those of its family."""
    own = _own(folder)
    if own == Prompts():
        own = family_prompts(names)
    return Prompts(own.query if query is None else query, own.passage if passage is None else passage)


def _own(folder: Path) -> Prompts:
    said = read_json(folder / "config_sentence_transformers.json").get("prompts") or {}
    passage = next((said[key] for key in ("document", "passage", "corpus") if said.get(key)), "")
    return Prompts(said.get("query") or "", passage)


def family_prompts(names: Iterable[str]) -> Prompts:
    """Return the prompts of the first name whose family is known; none if no family is."""
    for name in names:
        for pattern, prompts in FAMILIES:
            if pattern.search(name.lower()):
                return prompts
    return Prompts()

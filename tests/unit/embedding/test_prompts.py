"""What is put before questions and passages."""

import json
from pathlib import Path

import pytest

from kb_server.embedding.prompts import Prompts, family_prompts, prompts_of


@pytest.mark.parametrize(
    ("name", "prompts"),
    [
        ("BAAI/bge-small-en-v1.5", Prompts("Represent this sentence for searching relevant passages: ")),
        ("bge-large-zh", Prompts("为这个句子生成表示以用于检索相关文章：")),
        ("intfloat/e5-base-v2", Prompts("query: ", "passage: ")),
        ("intfloat/multilingual-e5-large", Prompts("query: ", "passage: ")),
        ("intfloat/multilingual-e5-large-instruct", Prompts()),
        ("BAAI/bge-m3", Prompts()),
        ("sentence-transformers/all-MiniLM-L6-v2", Prompts()),
        ("made-of-e5", Prompts()),
    ],
)
def test_families_by_the_names_their_makers_published(name: str, prompts: Prompts) -> None:
    assert family_prompts([name]) == prompts


def test_the_first_name_that_is_known_counts() -> None:
    assert family_prompts(["0a1b2c", "e5-small", "bge-large-zh"]) == Prompts("query: ", "passage: ")
    assert family_prompts([]) == Prompts()


def _folder(folder: Path, prompts: dict[str, str]) -> Path:
    (folder / "config_sentence_transformers.json").write_text(json.dumps({"prompts": prompts}), "utf-8")
    return folder


@pytest.mark.parametrize("key", ["document", "passage", "corpus"])
def test_a_models_own_go_before_its_familys(tmp_path: Path, key: str) -> None:
    folder = _folder(tmp_path, {"query": "Q: ", key: "P: "})
    assert prompts_of(folder, ["e5-small"], None, None) == Prompts("Q: ", "P: ")


def test_own_prompts_that_are_empty_leave_it_to_the_family(tmp_path: Path) -> None:
    folder = _folder(tmp_path, {"query": "", "document": ""})
    assert prompts_of(folder, ["e5-small"], None, None) == Prompts("query: ", "passage: ")


def test_what_is_said_explicitly_goes_before_all_and_may_be_nothing(tmp_path: Path) -> None:
    assert prompts_of(tmp_path, ["e5-small"], "", None) == Prompts("", "passage: ")
    assert prompts_of(_folder(tmp_path, {"query": "Q: "}), [], None, "P: ") == Prompts("Q: ", "P: ")

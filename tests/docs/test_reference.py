"""The reference pages say what the code does now."""

import pytest

from kb_server.config.settings import Settings
from tests.reference.pages import COMMAND, FOLDER, pages
from tests.reference.settings import leaves, read_comments


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    return pages()


@pytest.mark.parametrize("name", ["cli.md", "settings.md", "http.md"])
def test_a_page_is_the_one_that_the_code_makes(made: dict[str, str], name: str) -> None:
    assert (FOLDER / name).read_text("utf-8") == made[name], f"docs/reference/{name} is stale; run: {COMMAND}"


def test_there_is_no_other_page(made: dict[str, str]) -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(made)


def test_keys_that_may_do_more_are_told_from_those_that_may_do_less(made: dict[str, str]) -> None:
    page = made["http.md"]
    for route, key in {
        "GET /health/ready": "none",
        "POST /api/v1/search": "read",
        "DELETE /api/v1/knowledge-bases/{base}/documents/{document_id}": "write",
        "DELETE /api/v1/knowledge-bases/{base}": "admin",
    }.items():
        assert f"| `{route}` | {key} |" in page


def test_comments_are_read_where_they_stand() -> None:
    text = """# About the file.

# Where it is.
# Really.
# home: /data

first: # a section. 一节
  plain: 1 # behind it
  longer: 2 # behind it,
    # and below
  quoted: "#5" # not the colour
  # - {name: an example}
  silent: 3
"""
    assert read_comments(text) == {
        "home": "Where it is. Really.",
        "first": "a section. 一节",
        "first.plain": "behind it",
        "first.longer": "behind it, and below",
        "first.quoted": "not the colour",
        "first.silent": "",
    }


def test_every_setting_is_on_the_page(made: dict[str, str]) -> None:
    for key, _ in leaves(Settings):
        assert f"| `{key}` |" in made["settings.md"]

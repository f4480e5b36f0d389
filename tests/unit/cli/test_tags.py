"""`kb tag`."""

import pytest

from kb_server.cli import tags
from kb_server.core.errors import NotFound
from tests.unit.cli.conftest import Run, parsed


def test_tags_are_put_on_taken_off_and_shown(run: Run) -> None:
    put = ("tag", "notes", "owl.txt", "cat.txt", "--add", "2026", "--add", "[x]")
    assert parsed(run(tags, *put, "--json"))["tags"] == {"owl.txt": ["2026", "[x]"], "cat.txt": ["2026", "[x]"]}
    run(tags, "tag", "notes", "cat.txt", "--remove", "2026")
    assert parsed(run(tags, "tag", "notes", "--json"))["tags"]["cat.txt"] == ["[x]"]
    assert "[x]" in run(tags, "tag", "notes")
    with pytest.raises(NotFound):
        run(tags, "tag", "notes", "none.txt", "--add", "x")

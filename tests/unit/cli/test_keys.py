"""`kb keys`."""

import pytest

from kb_server.cli import keys
from kb_server.core.errors import NotFound
from tests.unit.cli.conftest import Run, parsed


def test_a_key_is_shown_once_listed_without_its_secret_and_revoked(run: Run) -> None:
    made = parsed(run(keys, "keys", "create", "web [page]", "--scope", "write", "--base", "notes", "--json"))
    assert made["key"].startswith(f"kb_{made['id']}_")
    listed = run(keys, "keys", "list", "--json")
    assert made["key"] not in listed
    (row,) = parsed(listed)["keys"]
    assert (row["name"], row["scope"], row["bases"], row["revoked"]) == ("web [page]", "write", ["notes"], None)
    assert "web [page]" in run(keys, "keys", "list")
    assert parsed(run(keys, "keys", "revoke", made["id"], "--json")) == {"revoked": made["id"]}
    assert parsed(run(keys, "keys", "list", "--json"))["keys"][0]["revoked"]


def test_a_key_for_a_base_that_is_not_there(run: Run) -> None:
    with pytest.raises(NotFound):
        run(keys, "keys", "create", "x", "--base", "none")
    with pytest.raises(NotFound):
        run(keys, "keys", "revoke", "none")

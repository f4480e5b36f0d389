"""A clock that goes back changes no order: what came later stays later."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from kb_server.catalog import conversations, jobs
from kb_server.catalog import keys as audit
from kb_server.catalog.database import Database
from kb_server.catalog.jobs import JobFile
from tests.workshop import Workshop, workshop


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workshop]:
    at = [datetime(2030, 1, 1)]

    def back() -> datetime:
        at[0] -= timedelta(days=1)
        return at[0]

    for module in (audit, conversations, jobs):
        monkeypatch.setattr(module, "now", back)
    with workshop(tmp_path / "home") as made:
        made.app.bases.create("notes", embedder="toy")
        yield made


def test_jobs_messages_conversations_and_the_audit_keep_their_order(shop: Workshop) -> None:
    database: Database = shop.app.catalog.database
    rows, base = jobs.Jobs(database), shop.app.bases.find("notes")
    for name in "abc":
        rows.add(name * 32, base.id, "me", [JobFile(name="x", file=name * 32, size=1)])
        shop.app.catalog.audit.note("me", f"do.{name}", "x")
        shop.app.catalog.conversations.create("me", "notes", name)
    assert [job.id[0] for job in rows.unfinished()] == ["a", "b", "c"], "first come, first served"
    assert [job.id[0] for job in rows.of_bases([base.id], 10)] == ["c", "b", "a"]
    assert [entry.action for entry in shop.app.catalog.audit.latest(3)] == ["do.c", "do.b", "do.a"]
    listed = shop.app.catalog.conversations.of("me", 10)
    assert [one.title for one in listed] == ["c", "b", "a"]
    for text in ("first", "second", "third"):
        shop.app.catalog.conversations.say(listed[0].id, "user", text)
    assert [turn.content for turn in shop.app.catalog.conversations.turns(listed[0].id)] == ["first", "second", "third"]

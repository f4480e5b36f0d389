"""Who is signed in."""

import pytest

from webui.shell import session_keys
from webui.shell.session_keys import SessionKeys


def test_a_ticket_is_good_once() -> None:
    keys = SessionKeys()
    ticket = keys.ticket("kb_secret")
    mark = keys.redeem(ticket)
    assert mark is not None
    assert keys.key(mark) == "kb_secret"
    assert keys.redeem(ticket) is None
    assert keys.redeem("made up") is None
    keys.forget(mark)
    assert keys.key(mark) is None


def test_a_ticket_and_a_mark_end(monkeypatch: pytest.MonkeyPatch) -> None:
    keys, now = SessionKeys(), 1000.0
    monkeypatch.setattr(session_keys, "monotonic", lambda: now)
    late, good = keys.ticket("a"), keys.ticket("b")
    mark = keys.redeem(good)
    assert mark is not None
    now += 61
    assert keys.redeem(late) is None
    assert keys.key(mark) == "b"
    now += session_keys.SECONDS
    assert keys.key(mark) is None

"""API keys."""

from collections.abc import Iterator
from hmac import compare_digest
from pathlib import Path

import pytest

from kb_server.access.keys import Caller, Scope
from kb_server.app import Application
from kb_server.config.settings import Settings
from kb_server.core.errors import Forbidden, NotFound, Unauthorized


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Application]:
    made = Application(Settings(home=tmp_path))
    yield made
    made.close()


def test_a_key_is_known_again(app: Application) -> None:
    key = app.access.create("page", Scope.WRITE)
    caller = app.access.check(key)
    assert (caller.scope, caller.base_ids) == (Scope.WRITE, None)
    assert key.split("_")[1] == caller.id


@pytest.mark.parametrize(
    "change",
    [
        lambda key: key[:-1],
        lambda key: key + "x",
        lambda key: key.swapcase(),
        lambda key: key.replace("kb_", "xx_", 1),
        lambda key: "_".join(key.split("_")[:2]),
        lambda key: f"kb__{key.split('_', 2)[2]}",
        lambda _: "",
        lambda _: "kb_%_x",
        lambda _: "\ud800",
    ],
)
def test_anything_else_is_not(app: Application, change: "type[str]") -> None:
    key = app.access.create("page", Scope.READ)
    with pytest.raises(Unauthorized):
        app.access.check(change(key))


def test_the_first_key_is_made_once(app: Application) -> None:
    first = app.access.create_first()
    assert first is not None
    assert app.access.check(first).scope is Scope.ADMIN
    app.access.revoke(first.split("_")[1])
    assert app.access.create_first() is None, "also when it was revoked"
    with pytest.raises(Unauthorized):
        app.access.check(first)
    with pytest.raises(NotFound):
        app.access.revoke(first.split("_")[1])


def test_a_key_for_a_base_that_is_not_there_is_refused(app: Application) -> None:
    with pytest.raises(NotFound, match="nothing"):
        app.access.create("page", Scope.READ, ["nothing"])
    assert app.access.all() == []


def test_scopes_hold_those_before_them() -> None:
    for have in Scope:
        for need in Scope:
            caller = Caller("x", have)
            if list(Scope).index(have) >= list(Scope).index(need):
                caller.require(need)
            else:
                with pytest.raises(Forbidden, match=need):
                    caller.require(need)


def test_what_is_done_with_keys_is_noted(app: Application) -> None:
    key = app.access.create("page", Scope.READ)
    app.access.revoke(key.split("_")[1])
    assert [entry.action for entry in app.catalog.audit.latest(10)] == ["key.revoke", "key.create"]
    assert key not in str(app.catalog.audit.latest(10))


@pytest.mark.parametrize("kind", ["right", "wrong secret", "unknown id", "no key"])
def test_a_key_is_compared_once_and_in_constant_time(
    app: Application, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    made = app.access.create("page", Scope.READ)
    tried = {
        "right": made,
        "wrong secret": made[:-3] + "xxx",
        "unknown id": "kb_000000000000_" + made.rpartition("_")[2],
        "no key": "",
    }[kind]
    compared: list[tuple[int, int]] = []

    def compare(a: str, b: str) -> bool:
        compared.append((len(a), len(b)))
        return compare_digest(a, b)

    monkeypatch.setattr("kb_server.access.keys.hmac.compare_digest", compare)
    if kind == "right":
        assert app.access.check(tried).scope is Scope.READ
    else:
        with pytest.raises(Unauthorized):
            app.access.check(tried)
    assert compared == [(64, 64)], "the same work, whatever is wrong"

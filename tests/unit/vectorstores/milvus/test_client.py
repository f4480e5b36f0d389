"""A connection is made when needed, tried again while Milvus is away, and explains what it refuses."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kb_server.core.errors import Busy, StorageError, StoreUnavailable
from vectorstores.milvus.client import MilvusConnection, MilvusPlace

pytest.importorskip("pymilvus", reason="Milvus is an extra")

from pymilvus.exceptions import MilvusException

_AWAY = 2  # pymilvus's code for a server that cannot be reached


class Asked:
    """An action that fails some times and then answers."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.clients: list[Any] = []

    def __call__(self, client: Any) -> str:  # noqa: ANN401 - pymilvus has no types
        self.clients.append(client)
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


@pytest.fixture
def place(tmp_path: Path) -> MilvusPlace:
    return MilvusPlace(str(tmp_path / "milvus.db"), "", "default", "", timeout=1)


@pytest.fixture
def connection(place: MilvusPlace) -> Iterator[MilvusConnection]:
    made = MilvusConnection(place, lambda _: None)
    yield made
    made.close()


def test_one_client_is_prepared_once_and_made_anew_after_it_was_away(place: MilvusPlace) -> None:
    prepared: list[Any] = []
    connection = MilvusConnection(place, prepared.append)
    assert prepared == []
    asked = Asked()
    assert [connection.call(asked) for _ in range(2)] == ["answer"] * 2
    assert asked.clients[0] is asked.clients[1] is prepared[0]
    assert connection.call(Asked(MilvusException(_AWAY, "Fail connecting to server"))) == "answer"
    assert len(prepared) == 2
    connection.close()
    connection.close()


def test_a_refusal_is_not_tried_again_and_says_what_milvus_said(connection: MilvusConnection) -> None:
    asked = Asked(MilvusException(1100, "  the index  type\nis unknown "))
    with pytest.raises(StorageError, match=r"refused the request: .*the index type is unknown"):
        connection.call(asked)
    assert len(asked.clients) == 1


def test_who_stays_away_is_named_when_the_time_is_over(connection: MilvusConnection, place: MilvusPlace) -> None:
    asked = Asked(*[MilvusException(_AWAY, "Fail connecting to server") for _ in range(99)])
    with pytest.raises(StoreUnavailable, match=r"does not answer .*what was committed there is intact") as caught:
        connection.call(asked)
    assert place.uri in str(caught.value)
    assert 3 <= len(asked.clients) <= 6, "pauses of 0.1, 0.2, 0.4 seconds and so on within one second"


def test_one_that_is_busy_is_waited_for_and_then_said_to_be(connection: MilvusConnection) -> None:
    assert connection.call(Asked(Busy("b"), Busy("b"))) == "answer"
    with pytest.raises(Busy):
        connection.call(Asked(*[Busy("b") for _ in range(99)]))


def test_a_fault_of_our_own_comes_out_as_it_is(connection: MilvusConnection) -> None:
    with pytest.raises(ValueError, match="ours"):
        connection.call(Asked(ValueError("ours")))
    with pytest.raises(KeyError):
        connection.call(Asked(KeyError("ours")))
    assert connection.call(Asked(ValueError("Cannot invoke RPC on closed channel!"))) == "answer"


@pytest.mark.parametrize(
    ("uri", "lite", "shown"),
    [
        ("/data/milvus.db", True, "/data/milvus.db"),
        ("http://127.0.0.1:19530", False, "127.0.0.1"),
        ("https://ann:secret@milvus.example.org:443", False, "milvus.example.org"),
    ],
)
def test_an_address_is_shown_without_its_password(uri: str, lite: bool, shown: str) -> None:
    place = MilvusPlace(uri, "token", "default", "", 1)
    assert (place.lite, place.shown) == (lite, shown)

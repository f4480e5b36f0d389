"""Milvus as a server that comes and goes, and Milvus Lite as a folder of one process."""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from kb_server.core.errors import Busy, MissingExtra, StorageError, StoreUnavailable
from kb_server.core.ports import Vectors
from vectorstores.milvus.client import MilvusConnection, MilvusPlace
from vectorstores.milvus.store import LITE_FILE, MilvusStore, collection_name

DIMENSION = 4


def rows(count: int) -> Vectors:
    return np.eye(count, DIMENSION, dtype=np.float32)


class Server:
    """Milvus Lite's server on a port of its own: a real one, reached by URI, that can be stopped."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self._folder = folder
        self.start()

    def start(self) -> None:
        from milvus_lite.adapter.grpc.server import start_server_in_thread

        self._server, self._database, _ = start_server_in_thread(str(self._folder), host="127.0.0.1", port=self.port)

    def stop(self) -> None:
        self._server.stop(grace=0).wait()
        self._database.close()

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    running = Server(tmp_path / "server")
    yield running
    running.stop()


def test_bases_on_one_server_do_not_see_each_other(server: Server, tmp_path: Path) -> None:
    first = MilvusStore(tmp_path / "a" / "vectors", DIMENSION, uri=server.uri)
    second = MilvusStore(tmp_path / "b" / "vectors", DIMENSION, uri=server.uri, index="HNSW", index_params={"M": 8})
    first.add([1], rows(1))
    second.add([2], rows(1))
    assert (first.ids(), second.ids()) == ({1}, {2})
    second.destroy()
    assert first.ids() == {1}
    assert second.ids() == set()
    assert list(tmp_path.glob("[ab]")) == [], "nothing is kept in the folder"


def test_a_server_that_is_away_is_named(tmp_path: Path) -> None:
    store = MilvusStore(tmp_path, DIMENSION, uri="http://user:secret@127.0.0.1:1", timeout=0.5)
    started = time.monotonic()
    with pytest.raises(StoreUnavailable, match=r"127\.0\.0\.1 does not answer") as caught:
        store.ids()
    assert time.monotonic() - started < 5
    assert "store.milvus.uri" in caught.value.hint
    assert "secret" not in str(caught.value)


def test_a_server_that_comes_back_in_time_is_waited_for(server: Server, tmp_path: Path) -> None:
    store = MilvusStore(tmp_path / "a", DIMENSION, uri=server.uri, timeout=20)
    store.add([1], rows(1))
    server.stop()
    back = threading.Timer(1.0, server.start)
    back.start()
    store.add([2], rows(2)[1:])
    back.join()
    assert store.ids() == {1, 2}


def test_a_server_gone_in_the_middle_of_a_batch(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What arrived stays, and the same call completes it."""
    monkeypatch.setattr("vectorstores.milvus.store._ROWS_A_CALL", 2)
    store = MilvusStore(tmp_path / "a", DIMENSION, uri=server.uri, timeout=2)
    store.add([1], rows(1))
    sent = 0

    def upsert(collection: str, part: list[object], client: object) -> None:
        nonlocal sent
        sent += 1
        if sent == 2:
            server.stop()
        client.upsert(collection, part)  # type: ignore[attr-defined] # pymilvus has no types

    with monkeypatch.context() as patch:
        patch.setattr("vectorstores.milvus.store.upsert", upsert)
        with pytest.raises(StoreUnavailable, match="what was committed there is intact"):
            store.add(range(1, 5), rows(4))
    server.start()
    store.add(range(1, 5), rows(4))
    assert store.ids() == {1, 2, 3, 4}
    assert store.search(rows(1)[0], 1) == [(1, 1.0)]


def closed_by_another(client: Any) -> None:  # noqa: ANN401 - pymilvus has no types
    client.close()
    client.has_collection("any")


def closed_channel(_: object) -> None:
    channel = grpc.insecure_channel("127.0.0.1:1")
    channel.close()
    channel.unary_unary("/any/call")(b"")


def starting(_: object) -> None:
    from pymilvus.exceptions import MilvusException
    from pymilvus.grpc_gen import common_pb2

    status = common_pb2.Status(code=1, error_code=common_pb2.NotReadyServe, reason="starting")
    raise MilvusException.from_status(status)


@pytest.mark.parametrize("failing", [closed_by_another, closed_channel, starting])
def test_what_passes_is_tried_again(server: Server, failing: Callable[[Any], None]) -> None:
    """What the libraries themselves raise is known for it, by its code or, where they give none, by its text."""
    connection = MilvusConnection(MilvusPlace(server.uri, "", "default", "", 10), lambda _: None)
    passing: Callable[[Any], None] = lambda _: None  # noqa: E731
    tries = iter([failing, passing])
    connection.call(lambda client: next(tries)(client))
    assert list(tries) == []
    connection.close()


def test_a_fault_of_the_caller_is_not(server: Server) -> None:
    connection = MilvusConnection(MilvusPlace(server.uri, "", "default", "", 10), lambda _: None)
    with pytest.raises(StorageError, match="refused the request"):
        connection.call(lambda client: client.describe_collection("none"))
    connection.close()


def test_a_collection_has_a_name_that_milvus_takes() -> None:
    assert collection_name(Path("home/bases/0a1b/vectors-9")) == "kb_0a1b_vectors_9"
    assert collection_name(Path("库/a b")) == "kb___a_b"


HOLD = """
import sys
from pathlib import Path
from vectorstores.milvus.client import MilvusConnection, MilvusPlace
from vectorstores.milvus.store import MilvusStore
store = MilvusStore(Path(sys.argv[1]), 4)
print(len(store), flush=True)
sys.stdin.readline()
"""


def test_a_second_process_is_told_that_a_lite_folder_is_taken(tmp_path: Path) -> None:
    mine = MilvusStore(tmp_path, DIMENSION)
    mine.add([1], rows(1))
    mine.flush()
    mine.close()
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "1\n"
        with pytest.raises(Busy, match="another process has it open"):
            len(MilvusStore(tmp_path, DIMENSION, timeout=0.5))
        waiting = MilvusStore(tmp_path, DIMENSION, timeout=30)
        assert other.stdin is not None
        leave = threading.Timer(0.5, other.stdin.close)
        leave.start()
        assert waiting.ids() == {1}, "who waits long enough gets in"
        leave.join()
        waiting.close()


def test_objects_of_one_process_share_a_lite_folder(tmp_path: Path) -> None:
    first, second = MilvusStore(tmp_path, DIMENSION), MilvusStore(tmp_path, DIMENSION)
    first.add([1], rows(1))
    assert second.ids() == {1}
    first.close()
    assert second.ids() == {1}
    second.close()


def test_a_file_in_the_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / LITE_FILE).write_text("no folder", "utf-8")
    with pytest.raises(StorageError, match="is a file"):
        MilvusStore(tmp_path, DIMENSION).ids()
    (tmp_path / "plain").write_text("", "utf-8")
    with pytest.raises(StorageError, match="cannot be made"):
        MilvusStore(tmp_path / "plain", DIMENSION).ids()


def test_other_dimension(tmp_path: Path) -> None:
    first = MilvusStore(tmp_path, DIMENSION)
    first.add([1], rows(1))
    with pytest.raises(StorageError, match="refused the request"):
        MilvusStore(tmp_path, 5).add([2], np.ones((1, 5), np.float32))
    assert first.ids() == {1}
    first.close()


def test_a_missing_package_says_what_installs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pymilvus", None)
    with pytest.raises(MissingExtra, match="milvus") as caught:
        MilvusStore(tmp_path, DIMENSION).ids()
    assert "pip install 'kb-server[milvus]'" in caught.value.hint

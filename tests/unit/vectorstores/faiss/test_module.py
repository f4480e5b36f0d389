"""The package faiss, when it is there and when it is not."""

import sys
import threading

import pytest

from kb_server.core.errors import MissingExtra
from vectorstores.faiss.module import imported_faiss, one_thread


def test_without_it_the_command_that_installs_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(MissingExtra, match="FAISS is needed here") as caught:
        imported_faiss()
    assert caught.value.hint == "pip install 'kb-server[faiss]'"


def test_one_thread_is_for_the_thread_that_asks() -> None:
    faiss = pytest.importorskip("faiss", reason="FAISS is an extra")
    assert imported_faiss() is faiss
    seen: list[int] = []

    def ask() -> None:
        faiss.omp_set_num_threads(2)
        one_thread(faiss)
        seen.append(faiss.omp_get_max_threads())

    before = faiss.omp_get_max_threads()
    asking = threading.Thread(target=ask)
    asking.start()
    asking.join()
    assert seen == [1]
    assert faiss.omp_get_max_threads() == before

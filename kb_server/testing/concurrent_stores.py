"""What a store does while several threads search and write."""

import threading
from pathlib import Path

import numpy as np

from kb_server.core.ports import Vectors, VectorStore
from kb_server.testing.vector_stores import Found, OpenStore, VectorStoreSuite, axis, brute_force, unit_vectors

_DIMENSION = 8


class Writer:
    """Adds, replaces and deletes ids of its own in one thread; `states` is what the store held after each call."""

    def __init__(self, store: VectorStore, ids: range, seed: int) -> None:
        self.ids, self.states = ids, [dict[int, Vectors]()]
        self._store, self._random = store, np.random.default_rng(seed)

    def run(self, calls: int) -> None:
        """Make this number of calls, and flush after every fifth."""
        for number in range(calls):
            chosen = self._random.choice(self.ids, 12, replace=False).tolist()
            state = dict(self.states[-1])
            if number % 3 == 2:
                self.states.append({id_: row for id_, row in state.items() if id_ not in chosen})
                self._store.delete(chosen)
            else:
                rows = unit_vectors(len(chosen), seed=int(self._random.integers(2**31)))
                self.states.append(state | dict(zip(chosen, rows, strict=True)))
                self._store.add(chosen, rows)
            if number % 5 == 4:
                self._store.flush()

    def agrees(self, found: Found, first: int, last: int) -> bool:
        """Say whether what was found of these ids is what brute force finds in one state from `first` to `last`."""
        mine = [(id_, round(score, 4)) for id_, score in found if id_ in self.ids]
        return any(mine == _expected(state) for state in self.states[first : last + 1])


class ConcurrentStoreSuite(VectorStoreSuite):
    """Each search sees one state of what every other thread writes. `calls` is how often each of them writes."""

    calls = 200

    def test_each_search_sees_one_state_while_others_add_and_delete(
        self, open_store: OpenStore, tmp_path: Path
    ) -> None:
        """So many are asked for that an approximate index has nothing to leave out."""
        store = open_store(tmp_path / "store", _DIMENSION)
        writers = [Writer(store, range(100), 1), Writer(store, range(100, 200), 2)]
        failures: list[str] = []
        done = threading.Event()

        def search() -> None:
            while not done.is_set():
                before = [max(len(writer.states) - 2, 0) for writer in writers]  # the last call may not be through yet
                found = store.search(axis(0), 1_000)
                for writer, first in zip(writers, before, strict=True):
                    if not writer.agrees(found, first, len(writer.states)):
                        failures.append(f"{writer.ids} {first} {found}")

        writing = [threading.Thread(target=writer.run, args=(self.calls,)) for writer in writers]
        _run_beside(writing, [threading.Thread(target=search) for _ in range(2)], done)
        assert failures == []
        assert store.ids() == set().union(*(writer.states[-1] for writer in writers))
        store.close()


def _run_beside(writing: list[threading.Thread], searching: list[threading.Thread], done: threading.Event) -> None:
    """Start all threads; when the writing ones are through, tell the others and wait for them."""
    for thread in (*searching, *writing):
        thread.start()
    for thread in writing:
        thread.join()
    done.set()
    for thread in searching:
        thread.join()


def _expected(state: dict[int, Vectors]) -> Found:
    if not state:
        return []
    found = brute_force(list(state), np.stack(list(state.values()))).search(axis(0), len(state))
    return [(id_, round(score, 4)) for id_, score in found]

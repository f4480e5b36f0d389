"""What a vector store keeps on disk: reopened, beside another object, from another process, after any calls."""

import multiprocessing
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from kb_server.core.ports import Vectors, VectorStore
from kb_server.testing.vector_stores import (
    DIMENSION,
    Found,
    OpenStore,
    Reopen,
    VectorStoreSuite,
    assert_same,
    axis,
    brute_force,
    unit_vectors,
)
from kb_server.testing.vector_stores import unit_vectors as unit
from vectorstores.memory import MemoryStore

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


_STEPS = st.lists(
    st.tuples(
        st.sampled_from(["add", "add", "delete", "flush", "reopen", "search"]),
        st.lists(st.integers(-3, 12), max_size=6),
        st.integers(0, 2**16),
    ),
    max_size=25,
)

_FEW_VALUES = [-0.5, 0.5]  # so that vectors repeat and ties are common

_QUERY = np.array([0.5, -0.5, 0.5, 0.5], np.float32)


class DurableStoreSuite(VectorStoreSuite):
    """A store whose vectors are there when its folder is opened again.

    `examples` is how many sequences of calls are tried; few for a store that is slow to open.
    """

    examples = 60

    def test_what_is_flushed_is_there_after_reopening(self, reopen: Reopen) -> None:
        store = reopen()
        store.add(range(50), unit(50))
        store.flush()
        store.delete(range(10))
        store.add([5, 60], np.stack([axis(0), axis(1)]))
        expected = store.search(unit(1, seed=9)[0], 100)
        store.flush()
        store.close()
        again = reopen()
        assert again.ids() == {5, 60, *range(10, 50)}
        assert_same(again.search(unit(1, seed=9)[0], 100), expected)

    def test_what_is_destroyed_is_not_there_after_reopening(self, reopen: Reopen) -> None:
        store = reopen()
        store.add(range(5), unit(5))
        store.flush()
        store.destroy()
        assert reopen().ids() == set()

    def test_another_object_sees_each_flush(self, reopen: Reopen) -> None:
        writer, reader = reopen(), reopen()
        for number in range(5):
            writer.add([number], axis(number)[None])
            writer.flush()
            assert reader.search(axis(number), 1) == [(number, 1.0)]
        writer.delete([0])
        writer.flush()
        assert len(reader) == 4

    def test_writers_may_take_turns(self, reopen: Reopen) -> None:
        first, second = reopen(), reopen()
        for turn in range(6):
            writer = (first, second)[turn % 2]
            writer.add([turn, 100], np.stack([axis(turn), axis(turn)]))
            writer.flush()
        assert first.ids() == second.ids() == reopen().ids() == {*range(6), 100}
        assert first.search(axis(5), 2) == second.search(axis(5), 2) == [(5, 1.0), (100, 1.0)]

    def test_any_sequence_agrees_with_brute_force(self, open_store: OpenStore) -> None:
        phases = tuple(Phase) if self.examples > 10 else (Phase.generate,)

        @given(steps=_STEPS)
        @settings(max_examples=self.examples, deadline=None, phases=phases)
        def any_sequence(steps: list[tuple[str, list[int], int]]) -> None:
            with TemporaryDirectory() as folder:
                store, expected = open_store(Path(folder), 4), MemoryStore(4)
                for action, ids, seed in steps:
                    if action == "reopen":
                        store.flush()
                        store.close()
                        store = open_store(Path(folder), 4)
                    self._step(store, expected, action, ids, seed)
                    assert store.ids() == expected.ids()
                    assert len(store) == len(expected)
                store.close()

        any_sequence()

    def _step(self, store: VectorStore, expected: MemoryStore, action: str, ids: list[int], seed: int) -> None:
        vectors = np.random.default_rng(seed).choice(_FEW_VALUES, (len(ids), 4)).astype(np.float32)
        for each in (store, expected):
            if action == "add":
                each.add(ids, vectors)
            elif action == "delete":
                each.delete(ids)
            elif action == "flush":
                each.flush()
        if action == "search":
            for allowed in (None, ids):
                found: Found = store.search(_QUERY, seed % 9, allowed)
                self.assert_agrees(found, expected.search(_QUERY, seed % 9, allowed))


class BufferedStoreSuite(VectorStoreSuite):
    """A store that writes nothing before `flush`; others write at once, which is allowed too."""

    def test_what_is_not_flushed_is_not_there_after_reopening(self, reopen: Reopen) -> None:
        store = reopen()
        store.add([1], unit(1))
        store.flush()
        store.add([2], unit(1))
        store.delete([1])
        assert store.ids() == {2}
        store.close()
        assert reopen().ids() == {1}

    def test_nobody_else_sees_what_is_not_flushed(self, reopen: Reopen) -> None:
        writer, reader = reopen(), reopen()
        writer.add([1], axis(1)[None])
        assert (writer.ids(), reader.ids()) == ({1}, set())


def _search_elsewhere(open_store: OpenStore, folder: Path, answers: "multiprocessing.Queue[Found]") -> None:
    store = open_store(folder, DIMENSION)
    answers.put(store.search(axis(0), 5))
    store.close()


class SharedStoreSuite(BufferedStoreSuite):
    """A buffered store whose folder several processes may open at once."""

    def test_another_process_sees_what_was_flushed(self, reopen: Reopen, open_store: OpenStore, tmp_path: Path) -> None:
        store = reopen()
        store.add([1, 2], np.stack([axis(0), axis(1)]))
        store.flush()
        store.add([3], axis(0)[None])
        spawn = multiprocessing.get_context("spawn")
        answers: multiprocessing.Queue[Found] = spawn.Queue()
        process = spawn.Process(target=_search_elsewhere, args=(open_store, tmp_path / "store", answers))
        process.start()
        assert answers.get(timeout=60) == [(1, 1.0), (2, 0.5)]
        process.join()
        answers.close()


CLUSTERED_DIMENSION, COUNT = 16, 3_000


def clustered(count: int, seed: int = 0) -> Vectors:
    """Return points of a mixture of 40 bells: float32 [count, CLUSTERED_DIMENSION], unit length."""
    centres = np.random.default_rng(99).standard_normal((40, CLUSTERED_DIMENSION))
    random = np.random.default_rng(seed)
    rows = centres[random.integers(0, 40, count)] + 0.5 * random.standard_normal((count, CLUSTERED_DIMENSION))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def assert_near(store: VectorStore, expected: MemoryStore, allowed: range | None = None, k: int = 10) -> None:
    """Compare two stores: scores are exact, and of the nearest k at least 95% are found."""
    assert store.ids() == expected.ids()
    assert len(store) == len(expected)
    hits = total = 0
    for query in clustered(40, seed=5):
        found, wanted = store.search(query, k, allowed), expected.search(query, k, allowed)
        assert len(found) == len(wanted)
        assert found == sorted(found, key=lambda pair: (-pair[1], pair[0]))
        exact = dict(expected.search(query, COUNT * 2, allowed))
        assert all(abs(score - exact[id_]) < 1e-5 for id_, score in found)
        hits += len({id_ for id_, _ in found} & {id_ for id_, _ in wanted})
        total += len(wanted)
    assert hits >= 0.95 * total


class ApproximateStoreSuite(VectorStoreSuite):
    """A store that does not compare all vectors once there are many; open it so that 3,000 are many.

    Nothing is forgotten: `k`, `allowed` and deletions count exactly, scores are those of brute force, and at least 95%
    of the nearest ten are found.
    """

    @pytest.fixture
    def filled(self, open_store: OpenStore, tmp_path: Path) -> Iterator[VectorStore]:
        """Fill a store with the clustered vectors 0..2,999 and open it again."""
        store = open_store(tmp_path / "store", CLUSTERED_DIMENSION)
        store.add(range(COUNT), clustered(COUNT))
        store.flush()
        store.close()
        opened = open_store(tmp_path / "store", CLUSTERED_DIMENSION)
        yield opened
        opened.close()

    @pytest.fixture
    def expected(self) -> MemoryStore:
        """Return the oracle with the same vectors."""
        return brute_force(range(COUNT), clustered(COUNT))

    @pytest.mark.parametrize("k", [1, 10, 400])
    def test_the_nearest_are_found(self, filled: VectorStore, expected: MemoryStore, k: int) -> None:
        assert_near(filled, expected, k=k)

    def test_as_many_are_found_as_are_asked_for(self, filled: VectorStore) -> None:
        assert len(filled.search(clustered(1, seed=7)[0], 2 * COUNT)) == COUNT

    @pytest.mark.parametrize("allowed", [range(5), range(600, 1_400), range(0, COUNT, 2), range(COUNT - 20, 2 * COUNT)])
    def test_among_those_allowed(self, filled: VectorStore, expected: MemoryStore, allowed: range) -> None:
        assert_near(filled, expected, allowed)

    def test_nothing_may_be_left_to_search(self, filled: VectorStore) -> None:
        fresh = clustered(5, seed=9)
        filled.add(range(COUNT, COUNT + 5), fresh)
        found = filled.search(fresh[2], 3, allowed=range(COUNT, COUNT + 5))
        assert found[0][0] == COUNT + 2
        assert filled.search(fresh[2], 3, allowed=[10 * COUNT]) == []

    def test_what_comes_and_goes_afterwards(
        self, filled: VectorStore, expected: MemoryStore, open_store: OpenStore, tmp_path: Path
    ) -> None:
        for store in (filled, expected):
            store.add(range(COUNT - 20, COUNT + 40), clustered(60, seed=3))
            store.delete(range(500))
            store.flush()
        assert_near(filled, expected)
        assert_near(filled, expected, range(400, COUNT, 3))
        np.testing.assert_array_equal(filled.vectors([COUNT + 1, 700]), expected.vectors([COUNT + 1, 700]))
        with closing(open_store(tmp_path / "store", CLUSTERED_DIMENSION)) as again:
            assert_near(again, expected)

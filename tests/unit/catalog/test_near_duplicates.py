"""Chunks of the same words: one is in the stores, and all of their places are found, whatever is removed."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from sqlalchemy import select

from kb_server.catalog.bases import Bases
from kb_server.catalog.database import Database
from kb_server.catalog.documents import Documents
from kb_server.catalog.removal import Removed
from kb_server.catalog.schema import chunks
from kb_server.catalog.snapshots import Snapshots
from kb_server.core.domain import Chunk, Document, Filter, Slice

NAMES = ["a.txt", "b.txt", "c.txt"]
TEXTS = [
    "Pumps are checked daily.",
    "pumps are\nchecked daily",
    "Pumps are checked weekly.",
    "门每天检查。",
    "门，每天检查",
]


class Base:
    """Documents, and a set of ids that stands for the stores."""

    def __init__(self, url: str) -> None:
        self.database = Database(url)
        self.id = Bases(self.database).create("notes", "memory", "toy", "toy-1", 3).id
        self.documents = Documents(self.database, self.id)
        self.snapshots = Snapshots(self.database, self.id)
        self.chunks = self.documents.chunks
        self.stores: set[int] = set()
        self.kept: set[int] = set()  # vectors that were saved for snapshots
        self.indexed = 0  # chunks that had to be embedded

    def put(self, name: str, texts: list[str]) -> int:
        slices, start = [], 0
        for text in texts:
            slices.append(Slice(start=start, end=start + len(text), page=1, heading_path=()))
            start += len(text) + 1
        pending, removed = self.documents.begin(
            "s", "f", Document(name=name, text="\n".join(texts), blocks=(), pages=1), slices
        )
        self.purge(removed)
        self.stores |= set(pending.vector_ids)
        self.indexed += len(pending.vector_ids)
        self.purge(self.documents.commit([pending.document_id]))
        return pending.document_id

    def purge(self, removed: Removed) -> None:
        self.kept |= self.chunks.kept(removed.vector_ids) & self.stores
        self.stores -= set(removed.vector_ids)

    def edit(self, chunk_id: int, text: str) -> None:
        """Do what an edit does: out of the stores, changed, and back in as the catalog says."""
        self.purge(Removed(tuple(self.chunks.vector_ids_of([chunk_id]).values())))
        self.chunks.edit(chunk_id, text)
        self.stores |= set(self.chunks.vector_ids())

    def restore(self, label: str) -> None:
        snapshot = self.snapshots.find(label)
        self.stores |= {id_ for pending in self.snapshots.returning(snapshot) for id_ in pending.vector_ids}
        self.purge(self.snapshots.restore(snapshot))

    def of(self, name: str) -> list[Chunk]:
        """Return what a search of one document alone can find, in reading order."""
        only = Filter(documents=(name,))
        return sorted(
            self.chunks.by_vector(self.chunks.vector_ids(only), only).values(),
            key=lambda one: one.start,
        )


@pytest.fixture
def base(url: str) -> Iterator[Base]:
    made = Base(url)
    yield made
    made.database.close()


def test_the_same_words_are_indexed_once_with_all_their_places(base: Base) -> None:
    base.put("a.txt", [TEXTS[0], TEXTS[2]])
    base.put("b.txt", ["Something of its own.", TEXTS[1]])
    assert base.indexed == 3
    found = base.chunks.by_vector(base.chunks.vector_ids())
    (both,) = [chunk for chunk in found.values() if chunk.also]
    assert (both.document, both.text) == ("a.txt", TEXTS[0])
    (other,) = both.also
    assert (other.document, other.start, other.end, other.page) == ("b.txt", 22, 22 + len(TEXTS[1]), 1)
    assert [chunk.text for chunk in base.of("b.txt")] == ["Something of its own.", TEXTS[1]]
    second = base.documents.page()[1]
    assert base.chunks.find(other.chunk_id) == Chunk(
        id=other.chunk_id,
        document_id=second.id,
        document="b.txt",
        text=TEXTS[1],
        start=22,
        end=other.end,
        page=1,
        heading_path=(),
    )
    assert base.chunks.vector_ids_of([other.chunk_id, both.id]) == {other.chunk_id: both.id, both.id: both.id}
    assert base.chunks.vector_ids_of([10**9]) == {}


def test_the_vector_stays_when_the_first_of_its_chunks_goes(base: Base) -> None:
    base.put("a.txt", TEXTS[:1])
    base.put("b.txt", TEXTS[:1])
    (stored,), (chunk,) = base.stores, base.of("b.txt")
    base.purge(base.documents.remove(["a.txt"]))
    assert base.stores == {stored} == set(base.chunks.vector_ids())
    assert base.of("b.txt") == [chunk]
    assert chunk.id != stored
    base.put("c.txt", TEXTS[:1])  # what speaks for the words now is found again, also by another process
    base.documents = Documents(base.database, base.id)
    base.put("d.txt", TEXTS[:1])
    assert base.indexed == 1


def test_a_chunk_that_is_worded_differently_leaves_the_others_their_words(base: Base) -> None:
    base.put("a.txt", TEXTS[:1])
    base.put("b.txt", TEXTS[:1])
    base.put("c.txt", TEXTS[:1])
    first = base.of("a.txt")[0]
    base.edit(first.id, "Valves are checked.")
    assert [chunk.text for name in NAMES for chunk in base.of(name)] == ["Valves are checked.", TEXTS[0], TEXTS[0]]
    assert len(base.stores) == 2
    base.edit(base.of("c.txt")[0].id, "Taps are checked.")
    assert len(base.stores) == 3
    assert base.stores == set(base.chunks.vector_ids())


def test_what_a_new_version_keeps_is_not_indexed_again(base: Base) -> None:
    base.put("a.txt", [TEXTS[0], TEXTS[3], "Old end."])
    base.put("a.txt", ["New beginning.", TEXTS[0], TEXTS[3]])
    assert base.indexed == 4
    assert [chunk.text for chunk in base.of("a.txt")] == ["New beginning.", TEXTS[0], TEXTS[3]]
    assert len(base.stores) == 3


def test_a_disabled_place_is_not_shown_and_the_other_stays(base: Base) -> None:
    base.put("a.txt", TEXTS[:1])
    base.put("b.txt", TEXTS[:1])
    ((first,), (second,)) = base.of("a.txt"), base.of("b.txt")
    base.purge(base.chunks.disable(first.id))
    assert [chunk.document for chunk in base.chunks.by_vector(base.chunks.vector_ids()).values()] == ["b.txt"]
    assert base.of("a.txt") == []
    base.purge(base.chunks.disable(second.id))
    assert base.stores == set(base.chunks.vector_ids()) == set()


def test_what_snapshots_keep_can_have_its_vector_saved(base: Base) -> None:
    base.put("a.txt", TEXTS[:1])
    base.put("b.txt", TEXTS[:1])
    (stored,) = base.stores
    base.snapshots.create("before")
    assert base.documents.remove(["a.txt"]).vector_ids == ()  # the other still needs it
    base.purge(base.documents.remove(["b.txt"]))
    assert (base.stores, base.kept) == (set(), {stored})
    ((returning,),) = [pending.vector_ids for pending in base.snapshots.returning(base.snapshots.find("before"))]
    assert returning == stored
    base.restore("before")
    assert [chunk.document for name in ("a.txt", "b.txt") for chunk in base.of(name)] == ["a.txt", "b.txt"]
    base.purge(base.documents.remove(["a.txt", "b.txt"]))
    assert base.snapshots.delete(base.snapshots.find("before")).vector_ids == (stored,)


def test_bases_do_not_share(base: Base) -> None:
    base.put("a.txt", TEXTS[:1])
    theirs = Documents(base.database, Bases(base.database).create("other", "memory", "toy", "toy-1", 3).id)
    pending, _ = theirs.begin(
        "s",
        "f",
        Document(name="a.txt", text=TEXTS[0], blocks=(), pages=1),
        [Slice(start=0, end=len(TEXTS[0]), page=1, heading_path=())],
    )
    assert len(pending.vector_ids) == 1


def test_another_process_knows_what_was_written(base: Base) -> None:
    base.put("a.txt", TEXTS[:1])
    base.documents = Documents(base.database, base.id)
    base.put("b.txt", TEXTS[:1])
    assert base.indexed == 1


def test_it_can_be_switched_off(base: Base) -> None:
    base.documents = Documents(base.database, base.id, once=False)
    base.put("a.txt", TEXTS[:1])
    base.put("b.txt", TEXTS[:1])
    assert base.indexed == len(base.stores) == 2


class Documents3(RuleBasedStateMachine):
    """Three documents that are put, replaced, removed, brought back and partly changed, beside an oracle of lists."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.base = Base(f"sqlite:///{Path(self.folder.name) / 'catalog.db'}")
        self.versions: dict[int, dict[int, str]] = {}  # of what can be found: document id -> chunk id -> text
        self.named: dict[int, str] = {}  # chunk id -> the text it was given for
        self.live: dict[str, int] = {}
        self.labels: dict[str, dict[str, int]] = {}
        self.edits = 0

    @rule(name=st.sampled_from(NAMES), texts=st.lists(st.sampled_from(TEXTS), min_size=1, max_size=4))
    def put(self, name: str, texts: list[str]) -> None:
        id_ = self.base.put(name, texts)
        made = self.base.chunks.of_document(id_)
        assert [chunk.text for chunk in made] == texts
        self.live[name], self.versions[id_] = id_, {chunk.id: chunk.text for chunk in made}
        self.named |= self.versions[id_]

    @rule(name=st.sampled_from(NAMES))
    def remove(self, name: str) -> None:
        if self.live.pop(name, None) is not None:
            self.base.purge(self.base.documents.remove([name]))

    @rule(number=st.integers(0, 11))
    def disable(self, number: int) -> None:
        if place := self._place(number):
            self.base.purge(self.base.chunks.disable(place[1]))
            del self.versions[place[0]][place[1]]

    @rule(number=st.integers(0, 11))
    def edit(self, number: int) -> None:
        if place := self._place(number):
            self.edits += 1
            self.base.edit(place[1], f"Wording {self.edits}.")
            self.versions[place[0]][place[1]] = f"Wording {self.edits}."

    @rule(label=st.sampled_from(["s0", "s1"]))
    def snapshot(self, label: str) -> None:
        if label not in self.labels:
            self.base.snapshots.create(label)
            self.labels[label] = dict(self.live)

    @rule(label=st.sampled_from(["s0", "s1"]))
    def restore(self, label: str) -> None:
        if label in self.labels:
            self.base.restore(label)
            self.live = dict(self.labels[label])

    @rule(label=st.sampled_from(["s0", "s1"]))
    def forget(self, label: str) -> None:
        if self.labels.pop(label, None) is not None:
            gone = self.base.snapshots.delete(self.base.snapshots.find(label))
            self.base.kept -= set(gone.vector_ids)

    @invariant()
    def stores_have_what_can_be_found(self) -> None:
        assert self.base.stores == set(self.base.chunks.vector_ids())
        for name, id_ in self.live.items():
            assert self._found(name) == self.versions[id_]

    @invariant()
    def a_chunk_id_names_the_text_it_was_given_for(self) -> None:
        with self.base.database.reading() as connection:
            rows = connection.execute(select(chunks.c.id, chunks.c.text)).all()
        assert all(self.named[id_] == said for id_, said in rows)

    @invariant()
    def what_snapshots_hold_comes_back_without_being_embedded(self) -> None:
        snapshots = [] if self.edits else self.base.snapshots.all()
        returning = [pending for snapshot in snapshots for pending in self.base.snapshots.returning(snapshot)]
        assert {id_ for pending in returning for id_ in pending.vector_ids} <= self.base.kept

    def _found(self, name: str) -> dict[int, str]:
        """Return what a search of one document finds, the places beside a hit too: chunk id -> text."""
        found = self.base.of(name)
        ids = [chunk.id for chunk in found] + [place.chunk_id for chunk in found for place in chunk.also]
        return {id_: chunk.text for id_, chunk in self.base.chunks.by_id(ids).items() if chunk.document == name}

    def _place(self, number: int) -> tuple[int, int] | None:
        places = [(id_, chunk_id) for id_ in self.live.values() for chunk_id in self.versions[id_]]
        return places[number % len(places)] if places else None

    def teardown(self) -> None:
        self.base.database.close()
        self.folder.cleanup()


TestAnyOrder = Documents3.TestCase
TestAnyOrder.settings = settings(max_examples=30, stateful_step_count=15, deadline=None)

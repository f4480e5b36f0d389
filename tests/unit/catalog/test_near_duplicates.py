"""Chunks of the same words: one is in the stores, and all of their places are found, whatever is removed."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from kb_server.catalog.bases import Bases
from kb_server.catalog.database import Database
from kb_server.catalog.documents import Documents
from kb_server.catalog.removal import Removed
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
        self.stores: set[int] = set()
        self.indexed = 0  # chunks that had to be embedded

    def put(self, name: str, texts: list[str]) -> None:
        slices, start = [], 0
        for text in texts:
            slices.append(Slice(start=start, end=start + len(text), page=1, heading_path=()))
            start += len(text) + 1
        pending, removed = self.documents.begin(
            "s", "f", Document(name=name, text="\n".join(texts), blocks=(), pages=1), slices
        )
        self.purge(removed)
        self.stores |= set(pending.chunk_ids)
        self.indexed += len(pending.chunk_ids)
        self.purge(self.documents.commit([pending.document_id]))

    def purge(self, removed: Removed) -> None:
        self.stores -= set(removed.chunk_ids)

    def of(self, name: str) -> list[Chunk]:
        """Return what a search of one document alone can find, in reading order."""
        only = Filter(documents=(name,))
        return sorted(self.documents.chunks(self.documents.chunk_ids(only), only).values(), key=lambda one: one.start)


@pytest.fixture
def base(url: str) -> Iterator[Base]:
    made = Base(url)
    yield made
    made.database.close()


def test_the_same_words_are_indexed_once_with_all_their_places(base: Base) -> None:
    base.put("a.txt", [TEXTS[0], TEXTS[2]])
    base.put("b.txt", ["Something of its own.", TEXTS[1]])
    assert base.indexed == 3
    found = base.documents.chunks(base.documents.chunk_ids())
    (both,) = [chunk for chunk in found.values() if chunk.also]
    assert (both.document, both.text) == ("a.txt", TEXTS[0])
    (other,) = both.also
    assert (other.document, other.start, other.end, other.page) == ("b.txt", 22, 22 + len(TEXTS[1]), 1)
    assert [chunk.text for chunk in base.of("b.txt")] == ["Something of its own.", TEXTS[1]]
    assert base.documents.chunk(other.chunk_id) == Chunk(
        id=other.chunk_id, document="b.txt", text=TEXTS[1], start=22, end=other.end, page=1, heading_path=()
    )
    assert base.documents.stored_ids([other.chunk_id]) == [both.id]


def test_a_copy_takes_over_when_the_original_goes(base: Base) -> None:
    base.put("a.txt", TEXTS[:1])
    base.put("b.txt", TEXTS[:1])
    (stored,) = base.stores
    base.purge(base.documents.remove(["a.txt"]))
    assert base.stores == {stored} == set(base.documents.chunk_ids())
    assert [(chunk.id, chunk.document, chunk.also) for chunk in base.of("b.txt")] == [(stored, "b.txt", ())]


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
    base.purge(base.documents.disable(first.id))
    assert [chunk.document for chunk in base.documents.chunks(base.documents.chunk_ids()).values()] == ["b.txt"]
    assert base.of("a.txt") == []
    base.purge(base.documents.disable(second.id))
    assert base.stores == set(base.documents.chunk_ids()) == set()


def test_what_snapshots_keep_can_have_its_vector_saved(base: Base) -> None:
    base.put("a.txt", TEXTS[:1])
    base.put("b.txt", TEXTS[:1])
    (stored,) = base.stores
    base.snapshots.create("before")
    removed = base.documents.remove(["a.txt"])
    ((there, kept),) = removed.shared
    assert there == stored
    removed = base.documents.remove(["b.txt"])
    assert removed.chunk_ids == (stored,)
    returning = [
        id_ for pending in base.snapshots.returning(base.snapshots.find("before")) for id_ in pending.chunk_ids
    ]
    assert sorted(returning) == sorted([stored, kept])


def test_bases_do_not_share(base: Base) -> None:
    base.put("a.txt", TEXTS[:1])
    theirs = Documents(base.database, Bases(base.database).create("other", "memory", "toy", "toy-1", 3).id)
    pending, _ = theirs.begin(
        "s",
        "f",
        Document(name="a.txt", text=TEXTS[0], blocks=(), pages=1),
        [Slice(start=0, end=len(TEXTS[0]), page=1, heading_path=())],
    )
    assert len(pending.chunk_ids) == 1


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
    """Three documents that are put, replaced, removed and partly disabled, beside a dictionary that is the oracle."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.base = Base(f"sqlite:///{Path(self.folder.name) / 'catalog.db'}")
        self.expected: dict[str, list[str]] = {}
        self.edits = 0

    @rule(name=st.sampled_from(NAMES), texts=st.lists(st.sampled_from(TEXTS), min_size=1, max_size=4))
    def put(self, name: str, texts: list[str]) -> None:
        self.base.put(name, texts)
        self.expected[name] = list(texts)

    @rule(name=st.sampled_from(NAMES))
    def remove(self, name: str) -> None:
        if self.expected.pop(name, None) is not None:
            self.base.purge(self.base.documents.remove([name]))

    @rule(number=st.integers(0, 11))
    def disable(self, number: int) -> None:
        places = [(name, chunk) for name in self.expected for chunk in self._places(name)]
        if places:
            name, chunk = places[number % len(places)]
            self.base.purge(self.base.documents.disable(chunk.id))
            self.expected[name].remove(chunk.text)

    @rule(number=st.integers(0, 11))
    def edit(self, number: int) -> None:
        places = [(name, chunk) for name in self.expected for chunk in self._places(name)]
        if places:
            name, chunk = places[number % len(places)]
            self.expected[name].remove(chunk.text)
            self.edits += 1
            self.expected[name].append(f"Wording {self.edits}.")
            self.base.purge(Removed((chunk.id, *self.base.documents.stored_ids([chunk.id]))))
            self.base.documents.edit(chunk.id, f"Wording {self.edits}.")
            self.base.stores |= set(self.base.documents.chunk_ids())  # what catching up embeds

    @rule(label=st.integers(0, 1))
    def snapshot(self, label: int) -> None:
        if f"s{label}" not in [one.name for one in self.base.snapshots.all()]:
            self.base.snapshots.create(f"s{label}")

    @invariant()
    def stores_have_what_can_be_found(self) -> None:
        assert self.base.stores == set(self.base.documents.chunk_ids())
        for name, texts in self.expected.items():
            assert sorted(chunk.text for chunk in self._places(name)) == sorted(texts)

    def _places(self, name: str) -> list[Chunk]:
        """Return every searchable chunk of a document, those that stand beside another one of it too."""
        found = self.base.of(name)
        ids = [chunk.id for chunk in found] + [place.chunk_id for chunk in found for place in chunk.also]
        return [chunk for id_ in ids if (chunk := self.base.documents.chunk(id_)) and chunk.document == name]

    def teardown(self) -> None:
        self.base.database.close()
        self.folder.cleanup()


TestAnyOrder = Documents3.TestCase
TestAnyOrder.settings = settings(max_examples=20, stateful_step_count=12, deadline=None)

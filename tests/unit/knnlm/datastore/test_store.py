"""What a datastore holds after any history, and what it refuses: invariants 10 to 16 and 19 to 22 of kNN-LM."""

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kb_server.core.domain import Chunk
from kb_server.core.errors import ModelMismatch, NotFound, StorageError
from kb_server.core.knn_lm import Gate, KnnTrace, Mixing, ModelIdentity
from kb_server.knnlm.datastore.build import DatastoreShape
from kb_server.knnlm.datastore.manifest import DatastoreManifest
from kb_server.knnlm.datastore.projection import Projection
from kb_server.knnlm.datastore.store import Datastore
from kb_server.knnlm.interpolation import Distances, Neighbours, combined, own_of
from kb_server.knnlm.knn_lm import NeighbourMixer, neighbours_of, pointers_after
from kb_server.knnlm.search import ExactSearch
from tests.unit.knnlm.store import SHAPE, CountingModel, Shelf

TEXTS = ["the cat sat on the mat and the dog ran off", "another text, 另一篇文字，with more", "zzz the end of it all"]


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    made = Shelf(tmp_path)
    for number, text in enumerate(TEXTS, 1):
        made.put(number, text)
    made.build()
    return made


def search(store: Datastore, chunk_ids: list[int], k: int = 5, text: str = "the ") -> tuple[Distances, list[str]]:
    """Return distances, and (document, place) of the rows nearest the state after a text."""
    query = store.projection.queries(CountingModel().states([70_000, *map(ord, text), 0], 1))
    distances, rows = ExactSearch(store, store.active(chunk_ids)).nearest(query, k)
    return distances, [f"{store.place(row)} {chr(store.tokens[row])}" for row in rows[0]]


def found(store: Datastore, chunk_ids: list[int], text: str = "the ", k: int = 3) -> Neighbours:
    query = store.projection.queries(CountingModel().states([70_000, *map(ord, text), 0], 1))[0]
    return neighbours_of(store, ExactSearch(store, store.active(chunk_ids)), query, k)


def written(shelf: Shelf, store: Datastore, chunk_ids: list[int], text: str) -> KnnTrace:
    """Mix with all weight on the neighbours while a text is written, and return the record."""
    mixer = NeighbourMixer(
        store, ExactSearch(store, store.active(chunk_ids)), Mixing(k=4, weight=0.8), shelf.model.decode
    )
    ids = [70_000, *map(ord, text)]
    for place, token in enumerate(ids[1:], 1):
        mixer.mix(np.zeros(70_001, np.float32), shelf.model.states(ids[: place + 1], 1)[0])
        mixer.chosen(token)
    return mixer.trace(shelf.chunks)


def test_the_value_at_a_state_is_the_token_after_it(shelf: Shelf) -> None:
    store = shelf.open()
    assert len(store) == sum(map(len, TEXTS))
    for number, text in enumerate(TEXTS, 1):
        ids = [70_000, *map(ord, text)]
        expected = store.projection.keys(shelf.model.states(ids, len(text)))
        rows = store.active(shelf.chunk_ids).rows
        mine = rows[[store.place(row)[0] == number for row in rows]]
        assert store.tokens[mine].tolist() == ids[1:]
        # The context is cut at 4 tokens before each window, which this model does not look beyond.
        assert np.abs(store.keys(mine) - expected.astype(np.float32)).max() < 1e-2


def test_a_stored_key_finds_its_own_token(shelf: Shelf) -> None:
    store = shelf.open()
    exact = ExactSearch(store, store.active(shelf.chunk_ids))
    keys = store.keys(exact.active.rows)
    distances, rows = exact.nearest(keys, 1)
    assert (distances == 0).all()
    different, counts = np.unique(keys, axis=0, return_counts=True)
    unique = [bool(counts[(different == key).all(1)] == 1) for key in keys]
    assert sum(unique) > 80
    assert rows[unique, 0].tolist() == exact.active.rows[unique].tolist()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(["put", "build", "delete"]), st.integers(2, 5)), max_size=8))
def test_any_history_ends_in_the_same_neighbours(
    tmp_path_factory: pytest.TempPathFactory, history: list[tuple[str, int]]
) -> None:
    grown = Shelf(tmp_path_factory.mktemp("grown"))
    grown.put(1, TEXTS[0])
    grown.build()
    for action, number in history:
        if action == "put" and number not in grown.documents:
            grown.put(number, f"text {number}: {TEXTS[number % 3]} the {number}")
        elif action == "delete":
            grown.documents.pop(number, None)
        else:
            grown.build()
    grown.build()
    batch = Shelf(tmp_path_factory.mktemp("batch"))
    batch.documents = {number: grown.documents[number] for number in sorted(grown.documents)}
    batch.build()
    one, other = (search(shelf.open(), shelf.chunk_ids, k=6) for shelf in (grown, batch))
    assert one[0].tolist() == other[0].tolist()
    nearer = one[0][0] < one[0][0].max()  # which of several equally near ones come last, the order of adding says
    assert sorted(np.array(one[1])[nearer]) == sorted(np.array(other[1])[nearer])


def test_a_deleted_document_is_out_of_play_at_once_and_after_reload(shelf: Shelf) -> None:
    store = shelf.open()
    assert any(place.startswith("(3,") for place in search(store, shelf.chunk_ids, 60)[1])
    del shelf.documents[3]
    for _ in range(2):
        assert not any(place.startswith("(3,") for place in search(store, shelf.chunk_ids, 60)[1])
        sources = [s for token in written(shelf, store, shelf.chunk_ids, "zzz").tokens for s in token.sources]
        assert all(source.document != "3.txt" for source in sources)
        shelf.build()
        store = shelf.open()


def test_more_than_half_gone_is_written_anew(shelf: Shelf) -> None:
    before = search(shelf.open(), [300, 301, 302])
    del shelf.documents[1], shelf.documents[2]
    built = shelf.build()
    store = shelf.open()
    assert (built.dropped, len(store)) == (len(TEXTS[0]) + len(TEXTS[1]), len(TEXTS[2]))
    after = search(store, shelf.chunk_ids)
    assert (after[0].tolist(), after[1]) == (before[0].tolist(), before[1])
    assert len(list(shelf.folder.glob("*.seg"))) == 1


def test_the_order_of_chunks_does_not_matter_and_ties_have_an_order(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    for number in (1, 2, 3):
        shelf.put(number, "the same text")
    shelf.build()
    store = shelf.open()
    ids = shelf.chunk_ids
    forward, backward = search(store, ids, 6), search(store, ids[::-1], 6)
    assert forward[1] == backward[1]
    assert forward[0][0].tolist() == backward[0][0].tolist()
    places = [place for distance, place in zip(forward[0][0], forward[1], strict=True) if distance == forward[0][0, 0]]
    assert places == sorted(places)
    assert len(places) == 3


def test_chosen_chunks_are_searched_as_all_are(shelf: Shelf) -> None:
    store = shelf.open()
    whole, part = search(store, shelf.chunk_ids, 200), search(store, shelf.chunk_ids[:3], 200)
    expected = [place for place in whole[1] if place.startswith("(1,") and int(place.split()[1][:-1]) < 30]
    assert part[1] == expected


def test_all_chunks_chosen_one_by_one_are_the_whole_base(shelf: Shelf) -> None:
    store = shelf.open()
    every = ExactSearch(store, store.active(shelf.chunk_ids))
    assert every.active.rows.tolist() == list(range(len(store)))
    query = store.projection.queries(shelf.model.states([70_000, *map(ord, "the "), 0], 1))
    differences = ((store.keys(every.active.rows) - query) ** 2).sum(1)
    order = np.lexsort((every.active.rows, differences))
    distances, rows = every.nearest(query, 20)
    assert rows[0].tolist() == order[:20].tolist()
    assert distances[0] == pytest.approx(differences[order[:20]], rel=1e-6)


def test_k_beyond_the_store_an_empty_one_and_unknown_chunks(shelf: Shelf, tmp_path: Path) -> None:
    store = shelf.open()
    assert len(search(store, shelf.chunk_ids, 10_000)[1]) == len(store)
    assert search(store, [987], 5)[1] == []
    assert found(store, []).rows.tolist() == []
    empty = Shelf(tmp_path / "empty")
    empty.build()
    assert len(empty.open()) == 0
    mixer = NeighbourMixer(
        empty.open(), ExactSearch(empty.open(), empty.open().active([1])), Mixing(), empty.model.decode
    )
    assert mixer.mix(np.zeros(9, np.float32), np.zeros(8, np.float32)) is None
    assert mixer.trace(empty.chunks) == KnnTrace(0)


def test_pointers_keep_to_their_document_and_to_what_is_in_play(shelf: Shelf) -> None:
    store = shelf.open()
    every = store.active(shelf.chunk_ids).rows
    following = store.successors(every)
    for row, after in zip(every, following, strict=True):
        document, place = store.place(row)
        if place + 1 == len(TEXTS[document - 1]):
            assert after == -1
        else:
            assert store.place(after) == (document, place + 1)
    exact = ExactSearch(store, store.active([100]))
    last_of_chunk = store.active([100]).rows[-1:]
    step = Neighbours(last_of_chunk, np.zeros(1, np.float32), store.tokens[last_of_chunk], 1)
    assert pointers_after(store, exact, step, int(step.tokens[0])).tolist() == []
    both = ExactSearch(store, store.active([100, 101]))
    assert pointers_after(store, both, step, int(step.tokens[0])).tolist() == [last_of_chunk[0] + 1]
    assert pointers_after(store, both, step, 12345).tolist() == []


def test_pointers_are_candidates_that_a_small_k_would_miss(shelf: Shelf) -> None:
    store = shelf.open()
    exact = ExactSearch(store, store.active(shelf.chunk_ids))
    query = store.projection.queries(shelf.model.states([70_000, ord("q"), 0], 1))[0]
    pointer = np.setdiff1d(np.arange(len(store)), exact.nearest(query[None], 3)[1])[:1]
    with_pointer = neighbours_of(store, exact, query, 3, pointer)
    assert with_pointer.rows[-1] == pointer[0]
    assert (with_pointer.near, len(with_pointer.rows)) == (3, 4)
    key = store.keys(pointer)[0]
    assert with_pointer.distances[-1] == pytest.approx(((key - query) ** 2).sum(), rel=1e-5)


def test_ids_beyond_16_bits_come_back(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.put(1, "\U00010437a\U00010fff")
    shelf.build()
    assert shelf.open().tokens.tolist() == [0x10437, 97, 0x10FFF]


def test_a_datastore_of_another_model_is_refused(shelf: Shelf, tmp_path: Path) -> None:
    other = CountingModel(name="other").identity()
    with pytest.raises(ModelMismatch, match=r"'counting'.*'other'"):
        Datastore.open(shelf.folder, other)
    with pytest.raises(ModelMismatch):
        Datastore.open(shelf.folder.parent / "knn-other", other)
    with pytest.raises(NotFound, match="no datastore"):
        Datastore.open(tmp_path / "nowhere" / "knn-x", other)
    shelf_of_other = Shelf(tmp_path, CountingModel(name="other"))
    with pytest.raises(ModelMismatch):
        shelf_of_other.build()


@pytest.mark.parametrize("field", ["weights", "tokenizer", "layer", "size", "dtype"])
def test_any_difference_of_the_model_is_a_mismatch(shelf: Shelf, field: str) -> None:
    values = {**asdict(shelf.model.identity()), field: 3 if field == "size" else "changed"}
    changed = ModelIdentity(**values)
    with pytest.raises(ModelMismatch, match=field):
        Datastore.open(shelf.folder, changed)


def test_half_written_and_damaged_files_are_never_read(shelf: Shelf) -> None:
    segment = next(shelf.folder.glob("*.seg"))
    (shelf.folder / "000009.seg").write_bytes(segment.read_bytes()[:100])  # a run that was stopped before the manifest
    (shelf.folder / "000010.new").write_bytes(b"KBKNN")
    before = search(shelf.open(), shelf.chunk_ids)[1]
    shelf.build()
    assert [path.name for path in shelf.folder.glob("*.[sn]e*")] == [segment.name]
    assert search(shelf.open(), shelf.chunk_ids)[1] == before
    whole = segment.read_bytes()
    for damaged in (whole[:-3], whole[:30], b"", whole[:200] + b"\xff\xff" + whole[202:]):
        segment.write_bytes(damaged)
        with pytest.raises(StorageError, match="datastore's file"):
            shelf.open()
    segment.write_bytes(whole)
    (shelf.folder / "manifest.json").write_text("{}")
    with pytest.raises(StorageError, match="manifest"):
        shelf.open()


def test_a_stopped_build_goes_on_without_reading_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kb_server.knnlm.datastore.build.ROWS_A_SEGMENT", 24)
    straight, stopped = Shelf(tmp_path / "a"), Shelf(tmp_path / "b")
    long = "".join(chr(97 + (i * i) % 26) for i in range(200))
    for shelf in (straight, stopped):
        shelf.put(1, "fitted on this text of some length")
        shelf.build()
        shelf.put(2, long)
    straight.build()
    model = stopped.model
    states, calls = model.states, []

    def breaking(ids: list[int], last: int) -> object:
        calls.append(last)
        if len(calls) == 9:
            raise KeyboardInterrupt
        return states(ids, last)

    monkeypatch.setattr(model, "states", breaking)
    with pytest.raises(KeyboardInterrupt):
        stopped.build()
    monkeypatch.setattr(model, "states", states)
    kept = stopped.open().stored(2)
    assert 24 <= kept < 200
    model.read.clear()
    assert stopped.build().tokens == sum(model.read) == 200 - kept
    one, other = (search(shelf.open(), shelf.chunk_ids, 30) for shelf in (straight, stopped))
    assert (one[0].tolist(), one[1]) == (other[0].tolist(), other[1])


def test_overlapping_chunks_share_their_rows(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    text = "alpha beta gamma delta epsilon\n\nzeta eta"
    ids = shelf.put(1, text, [(0, 16), (11, 30), (32, 40)])
    shelf.build()
    store = shelf.open()
    assert len(store) == len(text)
    active = store.active(ids)
    assert len(active.rows) == len(text)
    assert [active.owner(row) for row in (0, 12, 20, 35)] == [100, 100, 101, 102]
    # The space before "gamma" belongs to it, and the empty line to the chunk before it.
    assert [len(store.active([id_]).rows) for id_ in ids] == [16, 22, 8]
    assert not len(store.active([999]).rows)


@pytest.mark.parametrize("size", [8, 24])
def test_distances_survive_a_turn_a_shift_and_a_full_pca(size: int) -> None:
    random = np.random.default_rng(1)
    states = random.normal(size=(300, size)).astype(np.float32)
    turn, _ = np.linalg.qr(random.normal(size=(size, size)))
    plain = Projection.fitted(states, size)
    turned = Projection.fitted((states @ turn + 3).astype(np.float32), size)
    full = Projection.fitted(np.hstack([states, np.zeros((300, 2), np.float32)]), size)  # cuts two empty directions

    def distances(projection: Projection, values: np.ndarray) -> np.ndarray:
        keys = projection.queries(values.astype(np.float32))
        return np.asarray(((keys[:50, None] - keys[None, 50:100]) ** 2).sum(-1))

    expected = distances(plain, states)
    assert distances(turned, states @ turn + 3) == pytest.approx(expected, rel=1e-3, abs=1e-4)
    assert distances(full, np.hstack([states, np.zeros((300, 2))])) == pytest.approx(expected, rel=1e-3, abs=1e-4)


def test_every_source_is_a_place_whose_token_was_written(shelf: Shelf) -> None:
    store = shelf.open()
    trace = written(shelf, store, shelf.chunk_ids, "the cat sat")
    assert trace.keys == len(store)
    assert len(trace.tokens) == len("the cat sat")
    for token in trace.tokens:
        assert 0 <= token.mass <= token.weight + 1e-12
        for source in token.sources:
            text, chunks = shelf.documents[source.chunk_id // 100]
            chunk: Chunk = chunks[source.chunk_id % 100]
            assert text[source.start] == token.token
            assert chunk.start <= source.start < chunk.end
            assert (source.document, source.offset) == (chunk.document, source.start)
    assert any(token.decided and token.sources for token in trace.tokens)


def test_the_masses_of_all_neighbours_are_lambda_and_each_has_a_place(shelf: Shelf) -> None:
    """Also of those that gave the written token nothing; each place's character is the neighbour's value."""
    store = shelf.open()
    for asked in ("the ", "with ", "zzz"):
        neighbours = found(store, shelf.chunk_ids, asked, k=7)
        mixture = combined(own_of(np.zeros(70_001, np.float32)), neighbours, Mixing(k=7, weight=0.35))
        assert mixture is not None
        assert mixture.neighbour_probabilities.sum() == pytest.approx(0.35, rel=1e-12)
        owner = store.active(shelf.chunk_ids).owner
        for row, token in zip(neighbours.rows.tolist(), neighbours.tokens.tolist(), strict=True):
            document, place = store.place(row)
            text, chunks = shelf.documents[document]
            chunk = next(chunk for chunk in chunks if chunk.id == owner(row))
            assert chunk.start <= place < chunk.end
            assert ord(text[place]) == token


def test_the_manifest_keeps_what_was_tuned(shelf: Shelf) -> None:
    manifest = DatastoreManifest.read(shelf.folder)
    assert manifest is not None
    tuned = Mixing(k=7, temperature=0.5, limit=2.0, gate=Gate(0.1, -0.2, 0.3, 0.4))
    replace(manifest, tuned=tuned).write(shelf.folder)
    assert shelf.open().manifest.tuned == tuned
    shelf.put(9, "more text")
    shelf.build()
    assert shelf.open().manifest.tuned == tuned


def test_keys_are_small(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, CountingModel(size=300), DatastoreShape(dimension=256, fitted_on=500))
    shelf.put(1, "".join(chr(97 + (i * 7) % 26) for i in range(2000)))
    shelf.build()
    assert shelf.open().manifest.dimension == 256
    size = sum(path.stat().st_size for path in shelf.folder.glob("*.seg"))
    assert size / 2000 < 600
    assert SHAPE.dimension == shelf.model.identity().size - 292

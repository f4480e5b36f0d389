"""Snapshots as the page takes, compares and brings back."""

import pytest

from tests.unit.webui.client.conftest import put
from webui.client.errors import NotThere
from webui.client.service import Service


def test_one_is_taken_compared_and_brought_back(service: Service, base: str) -> None:
    put(service, base, **{"a.txt": "The owl sleeps.", "b.txt": "The cat hunts."})
    snapshots = service.snapshots(base)
    snapshots.create("before lunch")
    service.documents(base).delete(service.documents(base).all()[0].id)
    put(service, base, **{"b.txt": "The cat sleeps.", "c.txt": "The dog barks."})
    difference = snapshots.diff("before lunch")
    assert (difference.added, difference.removed, difference.changed) == (["c.txt"], ["a.txt"], ["b.txt"])
    restored = snapshots.restore("before lunch")
    assert {one.name for one in service.documents(base).all()} == {"a.txt", "b.txt"}
    names = [one.name for one in snapshots.all()]
    assert names == ["before lunch", restored.undo]
    assert snapshots.all()[0].documents == 2
    assert snapshots.diff("before lunch", restored.undo).added == ["c.txt"]
    snapshots.delete("before lunch")
    with pytest.raises(NotThere):
        snapshots.diff("before lunch")

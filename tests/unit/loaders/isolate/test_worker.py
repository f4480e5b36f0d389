"""What goes between the process that reads and the one that asks."""

import json
import os
import subprocess
import sys
from multiprocessing import Pipe
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb_server.core.domain import Block, BlockKind, Document
from loaders.isolate.worker import pack, unpack
from tests.paths import ROOT

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_BLOCKS = st.builds(
    Block,
    kind=st.sampled_from(BlockKind),
    start=st.integers(0, 50),
    end=st.integers(50, 99),
    page=st.none() | st.integers(1, 9),
    heading_path=st.lists(_TEXT, max_size=3).map(tuple),
)


@given(
    st.builds(
        Document,
        name=_TEXT,
        text=_TEXT,
        blocks=st.lists(_BLOCKS, max_size=4).map(tuple),
        pages=st.none() | st.integers(0, 9),
        set_aside=st.dictionaries(_TEXT, st.integers(1, 9), max_size=2),
    )
)
def test_a_document_goes_through_json_unchanged(document: Document) -> None:
    assert unpack(*json.loads(json.dumps(pack(document)))) == document


def test_the_protocol_of_a_reader(tmp_path: Path) -> None:
    """It says that it is ready, takes options, answers each request, and ends with its folder when nobody asks."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    (tmp_path / "a.txt").write_text("Words.\n", "utf-8")
    ours, theirs = Pipe()
    command = (
        f"from loaders.isolate.worker import serve; serve({theirs.fileno()}, 'loaders:load', 1 << 31, {str(folder)!r})"
    )
    with subprocess.Popen(
        [sys.executable, "-c", command],
        pass_fds=[theirs.fileno()],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as process:
        theirs.close()

        def asked(request: object) -> list[object]:
            ours.send_bytes(json.dumps(request).encode())
            found: list[object] = json.loads(ours.recv_bytes())
            return found

        assert json.loads(ours.recv_bytes()) == ["ready"]
        ours.send_bytes(json.dumps({"pictures": False}).encode())
        kind, name, text, *_ = asked([str(tmp_path / "a.txt"), "b.txt"])
        assert (kind, name, text) == ("document", "b.txt", "Words.")
        refused = asked([str(tmp_path / "none"), "none.txt"])
        assert refused == ["refused", "unreadable", "'none.txt' does not exist.", ""]
        ours.close()
        assert process.wait(30) == 0
    assert not folder.exists()


def test_a_kind_that_is_none_is_an_error() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        unpack("a", "", [["nonsense", 0, 1, None, []]], None, {})

"""The folder of a base."""

from hashlib import sha256
from io import BytesIO
from pathlib import Path

import pytest

from kb_server.bases.files import BaseFiles, KeptOriginal, digest_of
from kb_server.core.errors import LoadError


def test_a_file_is_kept_under_a_name_that_says_nothing_of_it(tmp_path: Path) -> None:
    files = BaseFiles(tmp_path, "b")
    files.make()
    (tmp_path / "pump.txt").write_bytes(b"pump" * 1_000_000)
    kept = files.keep(tmp_path / "pump.txt")
    assert kept == KeptOriginal(kept.name, sha256(b"pump" * 1_000_000).hexdigest(), 4_000_000)
    assert "pump" not in kept.name
    assert digest_of(files.original(kept.name)) == kept.sha256
    assert files.size(kept.name) == 4_000_000
    empty = files.keep_stream(BytesIO(b""))
    assert empty.size == 0
    assert files.names() == {kept.name, empty.name}


def test_what_is_not_there_has_no_size(tmp_path: Path) -> None:
    files = BaseFiles(tmp_path, "b")
    files.make()
    kept = files.keep_stream(BytesIO(b"pump"))
    files.discard([kept.name, "", "unknown"])
    assert files.size(kept.name) is None
    with pytest.raises(LoadError, match="cannot be read"):
        files.keep(tmp_path / "unknown")

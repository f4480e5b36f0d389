"""Weights on disk: whole or in shards, safetensors or PyTorch's, and what is no weights at all."""

import json
from pathlib import Path
from typing import Any

import pytest

from kb_server.core.errors import GenerationFailed, ModelNotFound
from tests.models import published

torch = pytest.importorskip("torch", reason="needs the extra `generate`")

from kb_server.llm.weights.checkpoint import shards, tensors  # noqa: E402 - once torch is known to be there

WEIGHTS = {f"layer.{n}.weight": torch.arange(n + 4).float() for n in range(7)}


def _folder(folder: Path, kind: str, parts: int) -> Path:
    return published.write(folder / "model", {}, WEIGHTS, b"", kind, parts)


@pytest.mark.parametrize("kind", ["bin", "safetensors"])
@pytest.mark.parametrize("parts", [1, 3])
def test_every_tensor_comes_once_and_as_it_was_saved(tmp_path: Path, kind: str, parts: int) -> None:
    files = shards(_folder(tmp_path, kind, parts))
    assert len(files) == parts
    found = [pair for file in files for pair in tensors(file)]
    assert sorted(name for name, _ in found) == sorted(WEIGHTS)
    assert all(torch.equal(tensor, WEIGHTS[name]) for name, tensor in found)


def test_safetensors_go_before_the_pickles_beside_them(tmp_path: Path) -> None:
    folder = _folder(tmp_path, "bin", 2)
    published.write(folder, {}, {"x": torch.ones(1)}, b"", "safetensors", 1)
    assert [file.name for file in shards(folder)] == ["model.safetensors"]


@pytest.mark.parametrize("kind", ["bin", "safetensors"])
def test_a_missing_shard_is_named(tmp_path: Path, kind: str) -> None:
    folder = _folder(tmp_path, kind, 2)
    (gone,) = folder.glob(f"*-00002-of-00002.{kind}")
    gone.unlink()
    with pytest.raises(ModelNotFound, match=r"not complete.*00002-of-00002"):
        shards(folder)


def test_a_list_that_leads_out_of_the_folder_does_not(tmp_path: Path) -> None:
    folder = _folder(tmp_path, "bin", 1)
    (tmp_path / "elsewhere.bin").write_bytes(b"x")
    index = folder / "pytorch_model.bin.index.json"
    index.write_text(json.dumps({"weight_map": {"x": "../elsewhere.bin"}}))
    with pytest.raises(ModelNotFound, match=r"'.*model/elsewhere\.bin' is missing"):
        shards(folder)


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"weight_map": ["a"]}', '{"weight_map": {"a": 1}}'])
def test_a_list_that_cannot_be_read_is_named(tmp_path: Path, content: str) -> None:
    folder = _folder(tmp_path, "safetensors", 2)
    (folder / "model.safetensors.index.json").write_text(content)
    with pytest.raises(GenerationFailed, match=r"model\.safetensors\.index\.json' cannot be read"):
        shards(folder)


def test_a_folder_without_weights_and_a_pointer_in_their_place(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match="has no weights"):
        shards(tmp_path)
    (tmp_path / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:1\n")
    with pytest.raises(ModelNotFound, match=r"only a git-lfs pointer.*git lfs pull"):
        shards(tmp_path)


@pytest.mark.parametrize("kind", ["bin", "safetensors"])
@pytest.mark.parametrize("share", [0, 0.5, 0.95])
def test_a_half_downloaded_file_is_named_with_its_size(tmp_path: Path, kind: str, share: float) -> None:
    (file,) = shards(_folder(tmp_path, kind, 1))
    content = file.read_bytes()
    file.write_bytes(content[: int(share * len(content))])
    with pytest.raises(GenerationFailed, match=rf"\({int(share * len(content)):,} bytes\) cannot be read.*"):
        list(tensors(file))


def test_a_pickle_that_would_run_code_is_refused(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "ran",))

    torch.save({"x": Evil()}, tmp_path / "pytorch_model.bin")
    with pytest.raises(GenerationFailed, match="cannot be read"):
        list(tensors(tmp_path / "pytorch_model.bin"))
    assert not (tmp_path / "ran").exists()

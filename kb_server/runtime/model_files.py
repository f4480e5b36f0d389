"""Where a model's weights lie: inside an installed package, in a folder, or in the hub's local cache."""

import hashlib
import re
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from kb_server.core.errors import MissingExtra, ModelNotFound

_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?")


def packaged_weights(package: str, file: str, sha256: str, install: str) -> Path:
    """Return where `file` of `package` lies, once its bytes are known to be the published ones.

    `install` is the pip command that brings the package. Hashing 98 MB takes 0.08 s here, so each process does it.
    Raises ModelNotFound if the package or the file is missing or the digest differs.
    """
    folder = _package_folder(package)
    if folder is None:
        raise ModelNotFound(f"The package '{package}' with the model's weights is not installed.", f"Run: {install}")
    path = folder / file
    if not path.is_file():
        raise ModelNotFound(f"The package '{package}' lacks '{file}'.", f"Run: {_again(install)}")
    if file_sha256(path) != sha256:
        raise ModelNotFound(
            f"The weights '{path}' are damaged: their sha256 is not {sha256[:12]}….", f"Run: {_again(install)}"
        )
    return path


def find_model_folder(folder_or_name: str) -> Path:
    """Return the folder, or where the hub's local cache keeps the model of that name; nothing is downloaded.

    Raises ModelNotFound if there is neither.
    """
    folder = Path(folder_or_name).expanduser()
    if folder.is_dir():
        return folder
    if not _HUB_NAME.fullmatch(folder_or_name):
        raise ModelNotFound(
            f"The model folder '{folder_or_name}' does not exist.", "Correct the setting or put it there."
        )
    return _cached_snapshot(folder_or_name)


def cached_models() -> list[tuple[str, Path]]:
    """Return each model of the hub's local cache, by name, with the folder of its newest revision."""
    try:
        from huggingface_hub import scan_cache_dir
        from huggingface_hub.errors import CacheNotFound
    except ImportError:
        return []  # nothing could have been put there
    try:
        cache = scan_cache_dir()
    except CacheNotFound:
        return []
    return sorted(
        (repository.repo_id, max(repository.revisions, key=lambda revision: revision.last_modified).snapshot_path)
        for repository in cache.repos
        if repository.repo_type == "model" and repository.revisions
    )


def _cached_snapshot(name: str) -> Path:
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError
    except ImportError as error:
        raise MissingExtra(
            f"Looking for '{name}' needs the package '{error.name}'.", "Run: pip install 'kb-server[embed]'"
        ) from error
    try:
        return Path(snapshot_download(name, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError) as error:
        raise ModelNotFound(
            f"The model '{name}' is neither a folder nor in this machine's hub cache.",
            f"Where there is a network, run: hf download {name}; or give the path of its folder.",
        ) from error


def file_sha256(path: Path) -> str:
    """Return the digest of a file in hex; a file that has not changed is read once a process."""
    status = path.stat()
    return _digest(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=64)
def _digest(path: Path, size: int, modified: int) -> str:  # noqa: ARG001 - size and time are part of the cache's key
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _package_folder(package: str) -> Path | None:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0])


def _again(install: str) -> str:
    return install.replace("pip install", "pip install --force-reinstall")

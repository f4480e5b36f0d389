"""Files on their way in: received under generated names, looked at, and handed to a job or thrown away."""

import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from errno import EDQUOT, ENOSPC
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock, Timeout

from kb_server.catalog.jobs import FileState, JobFile
from kb_server.core.errors import KbError, StorageError, StorageFull, TooLarge, UsageError
from kb_server.ingest.sources import document_name

CheckKind = Callable[[Path, str], object]

_LOCK = ".lock"


class UploadFolder:
    """Where uploads wait: a folder for each, with generated names and a lock that its present holder keeps."""

    def __init__(self, home: Path, check_kind: CheckKind) -> None:
        self._root = home / "uploads"
        self._check_kind = check_kind

    def begin(self, most_files: int) -> "Upload":
        """Make room for an upload."""
        folder = self._root / secrets.token_hex(16)
        try:
            folder.mkdir(parents=True)
        except OSError as error:
            raise _unwritable(error) from error
        return Upload(folder, most_files, self._check_kind)

    def lock(self, id_: str) -> FileLock:
        """Return the lock of an upload: who has it receives or ingests it. The system frees it when they die."""
        return FileLock(self._root / id_ / _LOCK)

    def file(self, id_: str, name: str) -> Path:
        """Return where a received file lies."""
        return self._root / id_ / name

    def make(self, id_: str) -> None:
        """Make the folder of an upload again if it is gone."""
        try:
            (self._root / id_).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _unwritable(error) from error

    def has_files(self, id_: str) -> bool:
        """Tell whether anything is left of an upload but its lock."""
        folder = self._root / id_
        return folder.is_dir() and any(path.name != _LOCK for path in folder.iterdir())

    def part(self, id_: str) -> Path:
        """Return a new folder within that of an upload."""
        folder = self._root / id_ / secrets.token_hex(16)
        try:
            folder.mkdir()
        except OSError as error:
            raise _unwritable(error) from error
        return folder

    def discard_part(self, folder: Path) -> None:
        """Remove such a folder."""
        shutil.rmtree(folder, ignore_errors=True)

    def discard_file(self, id_: str, name: str) -> None:
        """Remove a file that is ingested."""
        self.file(id_, name).unlink(missing_ok=True)

    def discard(self, id_: str) -> None:
        """Remove what is left of an upload."""
        shutil.rmtree(self._root / id_, ignore_errors=True)

    def sweep(self, known: Callable[[str], bool]) -> None:
        """Remove uploads that broke off: nobody holds them and no job is `known` for them."""
        for id_ in self._ids():
            with suppress(Timeout, FileNotFoundError), self.lock(id_).acquire(blocking=False):
                if not known(id_):
                    self.discard(id_)

    def _ids(self) -> Iterator[str]:
        if self._root.is_dir():
            yield from [path.name for path in self._root.iterdir()]


class Upload:
    """One upload while it is received. Nothing in it is used before `finish`."""

    def __init__(self, folder: Path, most_files: int, check_kind: CheckKind) -> None:
        self.id = folder.name
        self._folder = folder
        self._most_files = most_files
        self._check_kind = check_kind
        self._lock = FileLock(folder / _LOCK, thread_local=False)  # threads take turns in receiving one upload
        self._lock.acquire()
        self._files: list[JobFile] = []
        self._writer: BinaryIO | None = None

    def begin_file(self, name: str) -> None:
        """Begin to receive a file; raises TooLarge beyond the number allowed, UsageError for a name that is none."""
        if len(self._files) >= self._most_files:
            raise TooLarge(f"An upload may have {self._most_files} files.", "Send the rest in another upload.")
        file = JobFile(name=upload_name(name), file=secrets.token_hex(16), size=0)
        try:
            self._writer = (self._folder / file.file).open("xb")
        except OSError as error:
            raise _unwritable(error) from error
        self._files.append(file)

    def write(self, data: bytes) -> None:
        """Receive more of the present file."""
        if self._writer is None:
            raise TypeError("no file was begun")
        try:
            self._writer.write(data)
        except OSError as error:
            raise _unwritable(error) from error

    def end_file(self) -> None:
        """End the present file: it is made durable, or refused if its content is of no kind that can be read."""
        if self._writer is None:
            raise TypeError("no file was begun")
        try:
            self._writer.flush()
            os.fsync(self._writer.fileno())
            size = self._writer.tell()
            self._writer.close()
        except OSError as error:
            raise _unwritable(error) from error
        self._writer = None
        self._files[-1] = self._judged(replace(self._files[-1], size=size))

    def refuse(self, name: str, reason: str) -> None:
        """Refuse a file that was received; nothing is done about a name that is not there."""
        for number, file in enumerate(self._files):
            if file.name == name and file.state is FileState.QUEUED:
                self.path(file).unlink()
                self._files[number] = replace(file, state=FileState.FAILED, reason=reason)

    def finish(self) -> list[JobFile]:
        """Return the files, those refused with the reason; raises UsageError if there are none."""
        if not self._files:
            raise UsageError("The upload has no files.", "Send them as multipart/form-data in fields named 'files'.")
        descriptor = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        return list(self._files)

    def path(self, file: JobFile) -> Path:
        """Return where a received file lies."""
        return self._folder / file.file

    def new_path(self) -> Path:
        """Return a place for a file that is made here; it goes with the rest."""
        return self._folder / secrets.token_hex(16)

    def release(self) -> None:
        """Let a job have the files."""
        self._lock.release()

    def discard(self) -> None:
        """Throw everything away."""
        if self._writer is not None:
            self._writer.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        self._lock.release()

    def _judged(self, file: JobFile) -> JobFile:
        path = self.path(file)
        try:
            if any(file.name == earlier.name for earlier in self._files[:-1]):
                raise UsageError(f"The upload has two files named '{file.name}'.", "Rename one.")
            self._check_kind(path, file.name)
        except KbError as error:
            path.unlink()
            return replace(file, state=FileState.FAILED, reason=str(error))
        return file


def upload_name(name: str) -> str:
    """Return the document name that a file name given by a client stands for; raises UsageError if none is left.

    It is a label and never becomes a path here; `..` and drive or root parts go, so that it is
    none anywhere else either.
    """
    parts = [part.strip() for part in document_name(name).replace("\\", "/").split("/")]
    kept = [part for part in parts if part not in ("", ".", "..") and not part.endswith(":")]
    if not kept:
        raise UsageError(f"{name!r} is no file name.", "Give each file a name.")
    return "/".join(kept)


def _unwritable(error: OSError) -> StorageError:
    if error.errno in (ENOSPC, EDQUOT):
        return StorageFull("No space is left for uploads.", "Free some space and send the files again.")
    return StorageError(f"The upload cannot be written: {error.strerror}.", "Check the permissions of KB_HOME.")

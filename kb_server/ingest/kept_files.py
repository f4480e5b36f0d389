"""Files that a client keeps here and fetches again, without ingesting them."""

from pathlib import Path

from kb_server.catalog.jobs import FileState
from kb_server.catalog.kept_files import KeptFile, KeptFiles
from kb_server.core.errors import KbError, StorageError, TooLarge, UsageError
from kb_server.ingest.uploads import Upload


class KeptFileService:
    """Keeps files under generated names; an owner sees only their own, `quota` bytes of them at most."""

    def __init__(self, rows: KeptFiles, home: Path, quota: int) -> None:
        self._rows = rows
        self._folder = home / "files"
        self._quota = quota

    def keep(self, owner: str, upload: Upload, purpose: str) -> KeptFile:
        """Keep the one file of an upload; raises UsageError if it is not one, or of no kind that can be read."""
        try:
            kept = self._keep(owner, upload, purpose)
        finally:
            upload.discard()
        return kept

    def find(self, owner: str, id_: str) -> KeptFile:
        """Return an owner's file; raises NotFound."""
        return self._rows.find(owner, id_)

    def of(self, owner: str) -> list[KeptFile]:
        """Return an owner's files, newest first."""
        return self._rows.of(owner)

    def path(self, file: KeptFile) -> Path:
        """Return where a file lies."""
        return self._folder / file.file

    def delete(self, owner: str, id_: str) -> None:
        """Remove a file; raises NotFound."""
        self.path(self._rows.delete(owner, id_)).unlink(missing_ok=True)

    def _keep(self, owner: str, upload: Upload, purpose: str) -> KeptFile:
        files = upload.finish()
        if len(files) != 1:
            raise UsageError(f"The upload has {len(files)} files.", "Send one, in the field 'file'.")
        (file,) = files
        if file.state is FileState.FAILED:
            raise UsageError(f"'{file.name}' is not taken: {file.reason}", "Send a document.")
        if self._rows.size(owner) + file.size > self._quota:
            raise TooLarge(f"This key may keep {self._quota >> 20} MB.", "Delete files it does not need.")
        target = self._folder / file.file
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            upload.path(file).rename(target)
        except OSError as error:
            raise StorageError(
                f"The file cannot be kept: {error.strerror}.", "Check the permissions of KB_HOME."
            ) from error
        try:
            return self._rows.add(owner, file.name, file.file, file.size, purpose)
        except KbError:
            target.unlink()
            raise

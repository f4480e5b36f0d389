"""Which splitter a file gets: its folder's `.kb.yaml` goes before what the base or the settings say."""

from dataclasses import asdict
from pathlib import Path

from kb_server.config.sections import SplittingSettings
from kb_server.config.settings import FOLDER_FILE, read_folder_splitting
from kb_server.core.domain import Splitting
from kb_server.core.ports import Splitter
from kb_server.ingest.sources import SourceFile
from loaders.split.by_settings import make_splitter


class FolderSplitters:
    """Splitters by folder, each read once; a subfolder's file changes single keys of the one above it."""

    def __init__(self, splitting: Splitting) -> None:
        self._base = splitting
        self._known: dict[tuple[Path, Path], Splitting] = {}  # by folder and the one that was asked for

    def of(self, source: SourceFile) -> Splitter:
        """Return the splitter of a file; raises InvalidSetting or UnknownSetting naming the folder's file."""
        return make_splitter(self._base if source.root is None else self._within(source.path.parent, source.root))

    def _within(self, folder: Path, root: Path) -> Splitting:
        if (folder, root) not in self._known:
            above = self._base if folder == root else self._within(folder.parent, root)
            values = read_folder_splitting(folder)
            origin = str(folder / FOLDER_FILE)
            self._known[folder, root] = (
                above if values is None else SplittingSettings(**asdict(above)).splitting(values, origin)
            )
        return self._known[folder, root]

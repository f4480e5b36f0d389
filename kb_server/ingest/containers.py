"""Archives and mails: one file that is several documents."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from kb_server.core.errors import LoadError
from kb_server.ingest.sources import SourceFile, document_name
from loaders import Member
from loaders.isolate.scratch import scratch

Unpack = Callable[[Path, str, Path], list[Member] | None]


class Containers:
    """Opened archives and mails: the folder with a container's members goes when the last of them is dealt with."""

    def __init__(self, unpack: Unpack) -> None:
        self._unpack = unpack
        self._folders: dict[SourceFile, TemporaryDirectory[str]] = {}  # by the last member

    def __enter__(self) -> "Containers":
        return self

    def __exit__(self, *_: object) -> None:
        for folder in self._folders.values():
            folder.cleanup()

    def open(self, source: SourceFile) -> list[SourceFile] | None:
        """Return what a container comes to, None for a file that holds no others.

        Raises LoadError for a container that cannot be opened.
        """
        folder = scratch("unpack")
        try:
            members = self._unpack(source.path, source.name, Path(folder.name))
        except LoadError:
            folder.cleanup()
            raise
        if not members:
            folder.cleanup()
            return None if members is None else []
        found = _sources(source, members)
        self._folders[found[-1]] = folder
        return found

    def done_with(self, source: SourceFile) -> None:
        """Say that a source is read, kept or refused, and those before it too."""
        folder = self._folders.pop(source, None)
        if folder:
            folder.cleanup()


def _sources(source: SourceFile, members: list[Member]) -> list[SourceFile]:
    """Make a source of each member; the last one counts for the size of all, which is the container's."""
    found = [_source(source, member) for member in members]
    return [*found[:-1], replace(found[-1], size=source.size)]


def _source(source: SourceFile, member: Member) -> SourceFile:
    origin = f"{source.path}{member.name[len(source.name) :]}"
    return SourceFile(member.path or source.path, document_name(member.name), 0, origin, member.reason)


def names_within(names: Collection[str]) -> Mapping[str, set[str]]:
    """Return, for each name that others begin with, those others and itself: what a container of that name held."""
    within: dict[str, set[str]] = defaultdict(set)
    for name in names:
        within[name].add(name)
        end = name.find("/")
        while end >= 0:
            within[name[:end]].add(name)
            end = name.find("/", end + 1)
    return within

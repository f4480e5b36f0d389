"""Archives and mails: one file that is several documents."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from kb_server.services.sources import Source, document_name
from loaders import Member

Unpack = Callable[[Path, str, Path], list[Member] | None]


@contextmanager
def members_of(source: Source, unpack: Unpack) -> Iterator[list[Source] | None]:
    """Yield what a container comes to; the members lie in a folder that is removed afterwards.

    None for a file that holds no others. Raises LoadError for a container that cannot be opened.
    """
    with TemporaryDirectory(prefix="kb-unpack-") as folder:
        members = unpack(source.path, source.name, Path(folder))
        yield None if members is None else _sources(source, members)


def _sources(source: Source, members: list[Member]) -> list[Source]:
    """Make a source of each member; the last one counts for the size of all, which is the container's."""
    found = [_source(source, member) for member in members]
    return [*found[:-1], replace(found[-1], size=source.size)]


def _source(source: Source, member: Member) -> Source:
    origin = f"{source.path}{member.name[len(source.name) :]}"
    return Source(member.path or source.path, document_name(member.name), 0, origin, member.reason)


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

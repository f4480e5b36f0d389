"""Files that hold files: archives, and mail with attachments."""

import shutil
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from kb_server.core.errors import LoadError
from loaders.decode.decoder import Undecodable, decode
from loaders.formats import Kind
from loaders.kind import detect
from loaders.source import check_readable
from loaders.unpack.archive import BROKEN, open_archive

if TYPE_CHECKING:
    from loaders.mail.letter import Letter

_MOST_FILES = 5000
_MOST_BYTES = 1 << 30
_DEEPEST = 4
_LARGEST_RATIO = 200  # text shrinks to a tenth, blank text to a thousandth
_RATIO_COUNTS_FROM = 10 << 20
_UTF8_NAME = 0x800
_ENCRYPTED = 0x1
_AES = 99  # in the place of a compression


@dataclass(frozen=True, slots=True)
class Member:
    """A file to be loaded: `name` begins with that of the file it was in, `path` is where it lies now.

    `path` is None for one that could not be taken out; `reason` says why.
    """

    name: str
    path: Path | None
    reason: str = ""


def unpack(path: Path, name: str, folder: Path, passwords: Sequence[str] = ()) -> list[Member] | None:
    """Return what an archive holds, or a mail and its attachments; None for a file that holds no others.

    Members are written to `folder` under numbers, and are named `archive.zip/inner/name.docx`. Raises LoadError for
    an archive that cannot be opened; members that cannot be taken out have a reason instead of a path. All members
    together are bounded in number, bytes and depth, and each in how much it was compressed. `passwords` are tried on
    members that need one.
    """
    if _container_kind(path, name) is None:
        return None
    members = list(_Unpacking(folder, passwords).run(path, name, 0))
    if not members:
        raise LoadError(f"'{name}' is an archive without files.")
    return members


class _Unpacking:
    """What is left of the bounds while one file is unpacked."""

    def __init__(self, folder: Path, passwords: Sequence[str]) -> None:
        self._folder = folder
        self._passwords = passwords
        self._numbers = count()
        self._files = _MOST_FILES
        self._bytes = _MOST_BYTES

    def run(self, path: Path, name: str, depth: int) -> Iterator[Member]:
        match _container_kind(path, name):
            case None:
                yield Member(name, path)
            case Kind.ZIP:
                yield from self._zip(path, name, depth)
            case kind:
                yield Member(name, path)
                yield from self._mail(path, name, kind, depth)

    def _zip(self, path: Path, name: str, depth: int) -> Iterator[Member]:
        if depth >= _DEEPEST:
            raise LoadError(f"'{name}' is an archive within {depth} others.", "Unpack it first.")
        names = set[str]()
        with open_archive(path, name) as archive:
            for info in archive.infolist():
                member = f"{name}/{_member_name(info)}"
                if info.is_dir() or _is_hidden(member) or member in names:
                    continue
                names.add(member)
                if not self._files:
                    yield _too_many(name, name)
                    return
                self._files -= 1
                yield from self._take(archive, info, member, depth)

    def _take(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, depth: int) -> Iterator[Member]:
        try:
            self._check(info, name)
            target = self._next_path()
            self._extract(archive, info, name, target)
            yield from self.run(target, name, depth + 1)
        except LoadError as error:
            yield Member(name, None, str(error))
        except OSError as error:
            yield Member(name, None, f"'{name}' could not be unpacked: {error.strerror or error}.")
        except BROKEN:
            yield Member(name, None, f"'{name}' is damaged within its archive. Pack it again.")

    def _extract(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, target: Path) -> None:
        """Write a member, with the first password that fits if it needs one; raises LoadError where none does."""
        if not info.flag_bits & _ENCRYPTED:
            _copy(archive, info, target, None)
            return
        if info.compress_type == _AES:
            raise LoadError(f"'{name}' is locked with AES, which cannot be opened here.", "Unpack it first.")
        for password in self._passwords:
            with suppress(*BROKEN):  # the wrong one may pass the first check and give rubbish, which has a wrong sum
                _copy(archive, info, target, password.encode())
                return
        message = f"'{name}' is protected by a password" + (" that is not in loading.passwords" * bool(self._passwords))
        raise LoadError(f"{message}.", "Give the password in loading.passwords, or unpack it first.")

    def _check(self, info: zipfile.ZipInfo, name: str) -> None:
        ratio = info.file_size / max(info.compress_size, 1)
        if info.file_size > _RATIO_COUNTS_FROM and ratio > _LARGEST_RATIO:
            raise LoadError(f"'{name}' would unpack to {ratio:.0f} times its size.", "Unpack it first.")
        self._count(info.file_size, name)

    def _count(self, size: int, name: str) -> None:
        if size > self._bytes:
            bound = f"{_MOST_BYTES // 1024**2} MB"
            raise LoadError(f"'{name}' is in an archive that would unpack to more than {bound}.", "Split it.")
        self._bytes -= size

    def _mail(self, path: Path, name: str, kind: Kind, depth: int) -> Iterator[Member]:
        try:
            letter = _letter(path, name, kind)
        except (LoadError, ModuleNotFoundError):  # told again, with the reason, when the mail itself is loaded
            return
        names = {name}
        for attachment in letter.attachments:
            member = _free_name(f"{name}/{attachment.name}", names)
            names.add(member)
            if not self._files:
                yield _too_many(name, member)
                return
            self._files -= 1
            try:
                self._count(len(attachment.data), member)
                target = self._next_path()
                target.write_bytes(attachment.data)
                yield from self.run(target, member, depth + 1)
            except LoadError as error:
                yield Member(member, None, str(error))
            except OSError as error:
                yield Member(member, None, f"'{member}' could not be unpacked: {error.strerror or error}.")

    def _next_path(self) -> Path:
        return self._folder / str(next(self._numbers))


def _copy(archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path, password: bytes | None) -> None:
    with archive.open(info, pwd=password) as reader, target.open("wb") as writer:
        shutil.copyfileobj(reader, writer)


def _too_many(name: str, member: str) -> Member:
    """Stand for all that is left: a list of a million members must not become a million failures."""
    return Member(member, None, f"'{name}' holds more than {_MOST_FILES} files; the rest was left out. Split it.")


def _container_kind(path: Path, name: str) -> Kind | None:
    try:
        check_readable(path, name)
        kind = detect(path, name)
    except LoadError:  # told again, with the reason, when the file itself is loaded
        return None
    return kind if kind in (Kind.ZIP, Kind.MAIL, Kind.OUTLOOK) else None


def _letter(path: Path, name: str, kind: Kind) -> "Letter":
    if kind is Kind.MAIL:
        from loaders.mail.eml import read_letter
    else:
        from loaders.mail.outlook import read_letter
    return read_letter(path, name)


def _member_name(info: zipfile.ZipInfo) -> str:
    """Return a member's name with neither a root nor a way up; old programs write it in their country's encoding."""
    name = info.filename
    if not info.flag_bits & _UTF8_NAME and not name.isascii():
        try:
            name = decode(name.encode("cp437"))
        except (Undecodable, UnicodeEncodeError):
            name = info.filename
    parts = PurePosixPath(name.replace("\\", "/")).parts
    return "/".join(part for part in parts if part.strip("/") not in ("", ".", ".."))


def _is_hidden(name: str) -> bool:
    """Tell what the archiver of a Mac adds, and files that are passed over in folders too."""
    return any(part.startswith(".") or part == "__MACOSX" for part in name.split("/"))


def _free_name(name: str, taken: set[str]) -> str:
    """Return the name, with a number before its suffix if another attachment has it."""
    path = PurePosixPath(name)
    others = (f"{path.parent}/{path.stem} ({number}){path.suffix}" for number in count(2))
    return name if name not in taken else next(other for other in others if other not in taken)

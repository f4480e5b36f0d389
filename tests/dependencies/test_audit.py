"""The audit finds what it is for."""

from pathlib import Path

import pytest
from packaging.version import Version

from tests.dependencies.audit import advisories, drifted, installed_packages, pins, unsafe
from tests.paths import ROOT

HERE = Path(__file__).parent


def test_an_unsafe_pin_is_found_and_a_safe_one_is_not() -> None:
    known = advisories(HERE / "advisories.txt")
    locked = {"pillow": Version("10.2.0"), "pdfminer-six": Version("20250506"), "jinja2": Version("3.1.6")}
    found = sorted(unsafe(locked, known))
    assert [sentence.split(" ")[0] for sentence in found] == ["pdfminer-six", "pillow"]
    assert "CVE-2024-28219" in found[1]


def test_every_advisory_is_of_something_locked_or_bites_nothing_now() -> None:
    locked = pins(ROOT / "requirements.lock")
    known = advisories(HERE / "advisories.txt")
    assert list(unsafe(locked, known)) == []
    assert {requirement.name for requirement, _ in known} <= set(locked), "others would only seem to be watched"


def test_a_loose_line_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("# fine\nnumpy==2.4.6\nrequests>=2\n")
    with pytest.raises(ValueError, match="requests"):
        pins(tmp_path / "lock")


def test_what_is_installed_otherwise_is_found() -> None:
    installed = installed_packages()
    here = Version(installed["numpy"].version)
    assert [s for s in drifted({"numpy": here}, installed) if s.startswith("numpy")] == []
    (other,) = [s for s in drifted({"numpy": Version("1.0")}, installed) if s.startswith("numpy")]
    assert "the lock says 1.0" in other
    without = {name: one for name, one in installed.items() if name != "pydantic-core"}
    assert any(sentence.startswith("pydantic needs pydantic-core") for sentence in drifted({}, without))

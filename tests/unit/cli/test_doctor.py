"""`kb doctor`."""

import re
from importlib.metadata import PackageNotFoundError

import pytest

from kb_server.cli import doctor
from tests.paths import ROOT
from tests.unit.cli.conftest import Run, parsed


def test_every_part_is_looked_at(run: Run) -> None:
    report = parsed(run(doctor, "doctor", "--json", status=_status(run)))
    subjects = {check["subject"] for check in report["checks"]}
    assert {"kb-server", "embedding model", "language model", "data", "catalog", "extra pdf"} <= subjects
    catalog = next(check for check in report["checks"] if check["subject"] == "catalog")
    assert catalog["found"] == "1 knowledge bases, 2 documents"
    assert report["ok"] is all(check["ok"] for check in report["checks"])


def _status(run: Run) -> int:
    try:
        run(doctor, "doctor")
    except AssertionError:
        return 1
    return 0


def test_a_missing_package_names_the_command_and_fails(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(package: str) -> str:
        raise PackageNotFoundError(package)

    monkeypatch.setattr(doctor, "version", gone)
    report = parsed(run(doctor, "doctor", "--json", status=1))
    extras = {check["subject"]: check for check in report["checks"] if check["subject"].startswith("extra ")}
    assert extras["extra pdf"]["mend"] == "pip install 'kb-server[pdf]'"
    assert not any(check["ok"] for check in extras.values())
    assert "→ pip install 'kb-server[pdf]'" in run(doctor, "doctor", status=1)


def test_the_extras_it_looks_for_are_ones_there_are() -> None:
    declared = (ROOT / "pyproject.toml").read_text("utf-8")
    for extra, package in doctor.EXTRAS.items():
        assert re.search(rf'^{extra} = \[.*"{package}', declared, re.MULTILINE), extra

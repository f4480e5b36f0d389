"""The table of formats, and the page that tells users of them."""

import re
import subprocess
import sys
import tomllib
from importlib import import_module

import pytest

from loaders.formats import FORMATS, SUFFIXES, Kind
from tests.paths import ROOT

EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]


def test_every_suffix_is_documented_and_no_other() -> None:
    rows = [
        line.split("|") for line in (ROOT / "docs" / "formats.md").read_text("utf-8").splitlines() if line[:1] == "|"
    ]
    documented = {suffix for row in rows for suffix in re.findall(r"\.[a-z0-9]+", row[2])}
    assert documented == SUFFIXES


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_has_a_loader_and_its_extra(kind: Kind) -> None:
    form = FORMATS[kind]
    assert bool(form.extra) == bool(form.package)
    if form.extra:
        assert any(requirement.startswith(form.package) for requirement in EXTRAS[form.extra])
        assert form.extra in EXTRAS["default"][0]
    if kind is not Kind.ZIP:
        module, _, attribute = form.loader.partition(":")
        assert callable(getattr(import_module(module), attribute)().load)


def test_no_suffix_belongs_to_two_kinds() -> None:
    assert sum(len(form.suffixes) for form in FORMATS.values()) == len(SUFFIXES)


def test_importing_the_package_imports_no_parser() -> None:
    heavy = {"docx", "pptx", "openpyxl", "xlrd", "oxmsg", "pypandoc", "rapidocr", "pypdfium2", "PIL", "bs4", "lxml"}
    code = f"import sys, loaders; print(*sorted({heavy} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""

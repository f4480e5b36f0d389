"""CONTRIBUTING.md: its files are there, and what was added before is in each place that it names."""

import re
import tomllib

import pytest
import yaml
from pydantic import BaseModel

from kb_server.cli.app import GROUPS
from kb_server.config.registry import BACKENDS
from kb_server.config.sections import StoreSettings
from kb_server.config.settings import Settings
from loaders.formats import FORMATS, Kind
from tests.paths import CONFIGS, ROOT
from tests.reference.settings import leaves

TEXT = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^## (Add an? \w+)\n\n(.*?)(?=^## )", TEXT, re.MULTILINE | re.DOTALL))
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]


def read(path: str) -> str:
    return (ROOT / path).read_text("utf-8")


def places(section: str) -> list[str]:
    """Return the paths that a list names, in its order."""
    return re.findall(
        r"`([\w/.<>]+/[\w.<>/]*|pyproject\.toml)`", "".join(re.findall(r"^- (.*?):", SECTIONS[section], re.M))
    )


def test_there_is_a_list_for_each_kind_of_addition() -> None:
    assert {section.split()[-1] for section in SECTIONS} == {"loader", "store", "route", "setting", "command", "error"}
    assert all(len(places(section)) >= 2 for section in SECTIONS)


@pytest.mark.parametrize("section", SECTIONS)
def test_its_places_are_there(section: str) -> None:
    for path in places(section):
        known = path.partition("<")[0].rpartition("/")[0] if "<" in path else path
        assert (ROOT / known).exists(), path


@pytest.mark.parametrize("kind", [kind for kind in Kind if FORMATS[kind].loader])
def test_every_loader_is_in_the_places_of_the_list(kind: Kind) -> None:
    form = FORMATS[kind]
    module, _, name = form.loader.partition(":")
    assert f"class {name}" in read(f"{module.replace('.', '/')}.py")
    assert not form.extra or form.extra in EXTRAS
    assert all(f"{suffix} " in read("docs/formats.md") for suffix in form.suffixes)
    assert "tests/contracts/test_loaders.py" in places("Add a loader")


def test_a_sample_of_every_loader_that_needs_no_extra_is_in_the_suite() -> None:
    plain = {kind.name for kind in Kind if FORMATS[kind].loader and not FORMATS[kind].extra}
    sampled = set(re.findall(r"Sample\(Kind\.(\w+)", read("tests/contracts/test_loaders.py")))
    assert plain - sampled <= {"DOC", "PPT", "EPUB"}, "binary files, which have tests of their own"


@pytest.mark.parametrize("store", BACKENDS["store"])
def test_every_store_is_in_the_places_of_the_list(store: str) -> None:
    module, _, name = BACKENDS["store"][store].partition(":")
    assert f"class {name}" in read(f"{module.replace('.', '/')}.py")
    module, _, described = BACKENDS["description"][store].partition(":")
    assert f"def {described}" in read(f"{module.replace('.', '/')}.py")
    section = StoreSettings.model_fields[store].annotation
    assert isinstance(section, type)
    assert issubclass(section, BaseModel)
    assert set(section.model_fields) == set(yaml.safe_load(read("configs/default.yaml"))["store"][store])
    assert store in EXTRAS
    assert name in read("tests/contracts/test_vector_stores.py")
    assert f"| `{store}`" in read("docs/data.md")


def test_every_resource_is_in_the_application_and_in_the_documents() -> None:
    names = [path.stem for path in (ROOT / "kb_server" / "api" / "v1").glob("[a-z]*.py")]
    assert len(names) > 10
    application = read("kb_server/api/app.py")
    for name in names:
        assert re.search(rf"^(?:    |from kb_server.api.v1 import ){name}(?: as \w+)?,?$", application, re.M), name
    said = "".join(path.read_text("utf-8") for path in (ROOT / "docs").glob("*.md"))
    for path in re.findall(r"^\| `[A-Z]+ (\S+)` \|", read("docs/reference/http.md"), re.MULTILINE):
        last = [part for part in path.split("/") if part and not part.startswith("{")][-1]
        assert last in said, f"no page says what {path} is for"


def test_every_setting_is_in_the_places_of_the_list() -> None:
    values, page = yaml.safe_load((CONFIGS / "default.yaml").read_text("utf-8")), read("docs/reference/settings.md")
    for key, _ in leaves(Settings):
        assert f"| `{key}` |" in page
        found = values
        for part in key.split("."):
            assert key == "home" or part in found, key  # `home` is in a comment, as it has no one default
            found = found.get(part)


@pytest.mark.parametrize(("group", "command"), [(group, name) for group, names in GROUPS.items() for name in names])
def test_every_command_is_in_the_places_of_the_list(group: str, command: str) -> None:
    assert "def register(" in read(f"kb_server/cli/{group}.py")
    assert f"## `kb {command}" in read("docs/reference/cli.md")
    said = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    assert any(f"kb {command}" in path.read_text("utf-8") for path in said), f"no page says what kb {command} is for"

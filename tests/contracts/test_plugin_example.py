"""The example of a plug-in, installed as users install one: found by its entry point, and it passes its own tests."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import ROOT

EXAMPLE = ROOT / "docs" / "plugin-example"


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install it without a network, and return the folder that it lies in."""
    source, target = tmp_path_factory.mktemp("source") / "plugin", tmp_path_factory.mktemp("installed")
    shutil.copytree(EXAMPLE, source, ignore=shutil.ignore_patterns("build", "*.egg-info", "__pycache__"))
    options = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check"]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, "--target", target, source], check=True)
    return target


def run(plugin: Path, *arguments: str | Path, **environment: str) -> str:
    path = os.pathsep.join([str(plugin), str(ROOT)])
    done = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": path} | environment,
        cwd=plugin,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_its_store_passes_the_suites(plugin: Path) -> None:
    (plugin / "pytest.ini").write_text("[pytest]\n", "utf-8")  # so that no settings of ours count
    test = shutil.copy(EXAMPLE / "test_kb_sqlite_store.py", plugin)
    said = run(plugin, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", test)
    assert int(said.split(" passed")[0].split()[-1]) > 30, said


def test_a_base_is_made_with_it(plugin: Path, tmp_path: Path) -> None:
    kb = "from kb_server.cli import main; main()"
    run(plugin, "-c", kb, "create", "notes", "--store", "sqlite", KB_HOME=str(tmp_path))
    (base,) = json.loads(run(plugin, "-c", kb, "list", "--json", KB_HOME=str(tmp_path)))["knowledge_bases"]
    assert (base["name"], base["store"]) == ("notes", "sqlite")
    assert base["index"]["kind"] == "exact"
    assert base["index"]["file"].endswith("vectors.sqlite")
    own = run(plugin, "-c", kb, "list", "--json", KB_HOME=str(tmp_path), KB_STORE__SQLITE__BUSY_SECONDS="5")
    assert json.loads(own)["knowledge_bases"][0]["index"]["parameters"] == {"busy_seconds": 5}

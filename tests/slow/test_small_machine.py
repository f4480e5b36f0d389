"""One core and 4 GB: everything works as elsewhere."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import SAMPLES

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="the limits are Linux's")]

KB = Path(sys.executable).with_name("kb")


def small() -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))


def run(home: Path, *arguments: str | Path) -> str:
    environment = {**os.environ, "KB_HOME": str(home)}
    command = [KB, *arguments]
    done = subprocess.run(command, env=environment, preexec_fn=small, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_one_core_and_4_gb(tmp_path: Path) -> None:
    run(tmp_path, "create", "b")
    assert "13 added" in " ".join(run(tmp_path, "ingest", "b", SAMPLES).split())
    assert "QH-Guest" in run(tmp_path, "ask", "b", "What is the password of the visitor Wi-Fi?")

"""Memory that was freed goes back to the machine."""

import subprocess
import sys

import pytest

from kb_server.runtime.memory import give_back

_COMMAND = """
import os
from pathlib import Path
from kb_server.runtime.memory import give_back

def resident():
    return int(Path('/proc/self/statm').read_text().split()[1]) * os.sysconf('SC_PAGE_SIZE')

blocks = [bytes(60_000) for _ in range(1500)]
blocks = blocks[::50]  # what is left keeps the heap from shrinking by itself
before = resident()
give_back()
print(before - resident())
"""


def test_what_is_in_use_stays_as_it_is() -> None:
    kept = [bytes([number]) * 60_000 for number in range(200)]
    give_back()
    give_back()
    assert all(block == bytes([number]) * 60_000 for number, block in enumerate(kept))


@pytest.mark.skipif(sys.platform != "linux", reason="glibc alone keeps pages so")
def test_freed_pages_between_used_ones_go_back() -> None:
    done = subprocess.run([sys.executable, "-c", _COMMAND], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 40 << 20

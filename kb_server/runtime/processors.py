"""How many processor cores this process may use: one number for every pool of threads that computes."""

import os
from functools import cache
from pathlib import Path

_QUOTA = Path("/sys/fs/cgroup/cpu.max")


@cache
def cores() -> int:
    """Return the cores that the scheduler and a container's quota leave to this process, at least 1."""
    affinity = getattr(os, "sched_getaffinity", None)
    usable = len(affinity(0)) if affinity else os.cpu_count() or 1
    return max(1, min(usable, _quota(_QUOTA) or usable))


def _quota(file: Path) -> int | None:
    """Return the whole cores of a cgroup's `cpu.max` ("200000 100000" is two), None where there is no limit."""
    try:
        most, period = file.read_text().split()
    except (OSError, ValueError):
        return None
    return None if most == "max" else max(1, int(most) // int(period))

"""`python -m tests.dependencies`: a line for each fault of the lock or of what is installed; fails if there is any."""

import sys
from pathlib import Path

from tests.dependencies.audit import advisories, drifted, installed_packages, pins, unsafe

_HERE = Path(__file__).parent
_LOCK = _HERE.parents[1] / "requirements.lock"


def main() -> int:
    """Return 1 if anything is wrong."""
    locked, known = pins(_LOCK), advisories(_HERE / "advisories.txt")
    faults = [*unsafe(locked, known), *drifted(locked, installed_packages())]
    sys.stdout.write("".join(f"{fault}\n" for fault in faults) or f"{len(locked)} dependencies, no fault known.\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

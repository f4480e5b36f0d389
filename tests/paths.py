"""Where the tests find what they read: the checkout, its samples, their own data, and the shared folder beside it."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "tests" / "data"
SAMPLES = ROOT / "knowledge_base" / "samples"
CONFIGS = ROOT / "configs"
SHARED = ROOT.parent / "shared"  # not everywhere: what needs it is skipped without

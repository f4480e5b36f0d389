"""The container: cheap to build, each part made once, models without a database."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from kb_server.app import Application
from kb_server.config.models import Models
from kb_server.config.settings import load_settings
from kb_server.runtime.once import made_once
from tests.workshop import ToyEmbedder

PARTS = [name for name, part in vars(Application).items() if isinstance(part, made_once)]


def test_making_it_touches_nothing(tmp_path: Path) -> None:
    application = Application(load_settings(arguments={"home": tmp_path / "home"}))
    application.close()
    assert not (tmp_path / "home").exists()


def test_importing_it_imports_no_part() -> None:
    program = (
        "import sys, kb_server.app\n"
        "parts = 'answering bases calibration catalog ingest jobs knnlm search embedding llm'.split()\n"
        "ours = [name.split('.') for name in sys.modules if name.startswith('kb_server.')]\n"
        "print([name for name in ours if name[1] in parts])"
    )
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "[]"


def test_threads_that_ask_at_once_get_the_same_parts(tmp_path: Path) -> None:
    application = Application(load_settings(arguments={"home": tmp_path / "home"}))
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda number: (PARTS[number % len(PARTS)], number), range(8 * len(PARTS))))
        made = list(pool.map(lambda one: (one[0], id(getattr(application, one[0]))), found))
    application.close()
    assert len(set(made)) == len(PARTS) == 9


def test_models_are_made_without_a_database(tmp_path: Path) -> None:
    models = Models(load_settings(arguments={"home": tmp_path / "home", "catalog": "sqlite:////nowhere/at/all.db"}))
    toy = ToyEmbedder()
    models.use_embedder("toy", toy)
    assert models.embedder("toy") is toy
    assert models.loaded_embedders() == {"toy"}
    assert models.sampling().max_tokens > 0
    assert not (tmp_path / "home").exists()

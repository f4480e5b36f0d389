"""How many named functions of the program run for one upload and for one question over HTTP.

    python -m benchmarks.calls [--list]

Lambdas, comprehensions and the libraries' functions do not count; each function counts once, in whatever thread. The
embedder is the tests' toy, so that only the program's own path is seen.
"""

import argparse
import sys
import tempfile
import threading
from pathlib import Path
from types import FrameType

from fastapi.testclient import TestClient

from kb_server.api.app import create_app
from kb_server.api.worker import works
from kb_server.jobs.runner import JobRunner
from tests.workshop import workshop

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = tuple(str(ROOT / name) + "/" for name in ("kb_server", "loaders", "vectorstores"))
TEXT = b"The head of the office signs travel requests. Requests are sent by mail."


class Calls:
    """Notes which functions are called while it is on."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        threading.setprofile(self._note)
        sys.setprofile(self._note)

    def take(self) -> list[str]:
        """Return what was called since this was last asked."""
        seen, self.seen = sorted(self.seen), set()
        return seen

    def _note(self, frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(PACKAGES) and not code.co_name.startswith("<"):
            self.seen.add(f"{Path(code.co_filename).relative_to(ROOT)} {code.co_qualname}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="name them")
    options = parser.parse_args()
    calls = Calls()
    with tempfile.TemporaryDirectory() as folder, workshop(Path(folder) / "home", service={"auth": False}) as shop:
        app = shop.app
        app.bases.create("notes", embedder="toy")
        shop.ingest("notes", Path(folder) / "texts", warm="The quick brown fox jumps.")
        runner = JobRunner(app.catalog.jobs, app.ingest.uploads, works(app))
        with TestClient(create_app(app)) as client:
            body = {"knowledge_base": "notes", "question": "Who signs the travel requests?", "stream": False}
            client.post("/api/v1/chat", json=body)
            calls.take()
            client.post("/api/v1/knowledge-bases/notes/documents", files=[("files", ("a.txt", TEXT))])
            runner.run_next(threading.Event())
            upload = calls.take()
            client.post("/api/v1/chat", json=body)
            question = calls.take()
    sys.setprofile(None)
    threading.setprofile(None)
    print(f"upload: {len(upload)} functions; question: {len(question)}")
    for name in (*upload, "", *question) if options.list else ():
        print(name)


if __name__ == "__main__":
    main()

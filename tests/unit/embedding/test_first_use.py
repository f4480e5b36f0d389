"""Many threads may be the first to use an engine."""

import subprocess
import sys
from pathlib import Path

import pytest

from kb_server.embedding.sentence_transformers import SentenceTransformerEmbedder

pytest.importorskip("openvino", reason="needs the extra `openvino`")

PROCESSES = 4  # in each of which OpenVINO hung two times out of three before every engine made a first tensor alone

FIRST_USE = """
import sys, threading
from pathlib import Path
from kb_server.embedding.sentence_transformers import SentenceTransformerEmbedder

sys.setswitchinterval(1e-6)
embedder = SentenceTransformerEmbedder("all-MiniLM-L6-v2", cache=Path(sys.argv[1]))
embedder.engine
start = threading.Barrier(24)

def embed():
    start.wait()
    embedder.embed_passages(["text"])

threads = [threading.Thread(target=embed) for _ in range(24)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


def test_threads_that_begin_together_do_not_wait_for_each_other(tmp_path: Path) -> None:
    SentenceTransformerEmbedder("all-MiniLM-L6-v2", cache=tmp_path).embed_query("converts the model once")
    for _ in range(PROCESSES):
        subprocess.run([sys.executable, "-c", FIRST_USE, tmp_path], check=True, timeout=60)

"""All shared sample documents in one ingest: every failure is explained, nothing that carries text is missing."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from kb_server.app import Application
from kb_server.config.settings import load_settings
from kb_server.core.ports import Vectors
from tests.paths import SHARED

DOCUMENTS = SHARED / "data" / "documents"
WITHOUT_TEXT = {
    "CantinaBand3.wav",
    "eml/email-with-image.eml/unstructured_logo.png",
    "eml/empty.eml",
    "eml/mime-attach-mp3.eml/sample-3s.mp3",
    "empty.txt",
    "empty.xlsx",
    "fake-text-all-whitespace.txt",
    "img/bmp_24.bmp",
    "img/example.jpg",
    "test-image-jpg-mime.pptx",
}
LOCKED_OR_DAMAGED = {
    "eml/fake-encrypted.eml",
    "eml/mime-no-body.eml/image.jpg",
    "fake-encrypted.msg",
    "password_protected.xlsx",
    "pdf/password.pdf",
}
UNSUPPORTED = {"img/DA-1p.heic"}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DOCUMENTS.is_dir(), reason="the shared sample documents are not here"),
]


class HashEmbedder:
    """Vectors that say which text is which and no more: embedding is not what is tested, and would take an hour."""

    name, dimension, fingerprint = "hash", 8, "hash"

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        digests = [hashlib.sha256(text.encode()).digest()[:8] for text in texts]
        vectors = np.array([list(digest) for digest in digests], np.float32) + 1
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))

    def embed_query(self, text: str) -> Vectors:
        return np.asarray(self.embed_passages([text])[0])


def test_the_whole_folder(tmp_path: Path) -> None:
    application = Application(load_settings(arguments={"home": tmp_path / "home"}))
    application.models.use_embedder("all-MiniLM-L6-v2", HashEmbedder())
    application.bases.create("all")
    report = application.ingest.pipeline("all").run([DOCUMENTS])
    reasons = {each.path.removeprefix(f"{DOCUMENTS}/"): each.reason for each in report.failed}
    assert all(reason.endswith(".") and "Error" not in reason for reason in reasons.values()), reasons
    assert reasons.keys() >= LOCKED_OR_DAMAGED
    missed = reasons.keys() - WITHOUT_TEXT - LOCKED_OR_DAMAGED - UNSUPPORTED
    assert not missed, "a share would hide that all files of one kind fail"
    again = application.ingest.pipeline("all").run([DOCUMENTS])
    assert (again.added, again.updated, again.unchanged, again.chunks) == (0, 0, report.added, 0)
    application.close()

"""An application whose embedder is a toy that counts what it embeds; all else is real."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from kb_server.answering.ask import Ask
from kb_server.app import Application
from kb_server.config.settings import load_settings
from kb_server.core.answers import Answer
from kb_server.core.ports import Vectors
from kb_server.search.cosine_floor import _PASSAGES
from kb_server.text.terms import terms

# By these its scale is measured, once an object.
FLOOR_TEXTS = {text for texts in _PASSAGES.values() for text in texts}


class ToyEmbedder:
    """Counts of hashed terms, unit length: texts that share words are near each other."""

    def __init__(self, name: str = "toy", dimension: int = 32) -> None:
        self.name = name
        self.dimension = dimension
        self.fingerprint = f"{name}-{dimension}"
        self.embedded: list[str] = []

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        self.embedded += [text for text in texts if text not in FLOOR_TEXTS]
        return np.array([self._embed(text) for text in texts], np.float32).reshape(len(texts), self.dimension)

    def embed_query(self, text: str) -> Vectors:
        return self._embed(text)

    def _embed(self, text: str) -> Vectors:
        vector = np.full(self.dimension, 1e-3, np.float32)
        for term in terms(text):
            vector[sum(term.encode()) % self.dimension] += 1
        return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-12), np.float32)


class Workshop:
    """An application with toy embedders, and a folder of texts."""

    def __init__(self, home: Path, **arguments: object) -> None:
        self.app = Application(load_settings(arguments={"home": home, **arguments}))
        self.toy, self.other = ToyEmbedder(), ToyEmbedder("other", 48)
        self.app.models.use_embedder("toy", self.toy)
        self.app.models.use_embedder("other", self.other)

    def ingest(self, name: str, folder: Path, **texts: str | None) -> None:
        """Make `folder` hold these texts (None: not any more), put them in, and take out what is not there any more."""
        folder.mkdir(exist_ok=True)
        for stem, text in texts.items():
            path = folder / f"{stem}.txt"
            if text is None:
                path.unlink()
                self.app.bases.remove(name, [path.name])
            else:
                path.write_text(text, "utf-8")
        self.app.ingest.pipeline(name).run([folder])

    def ask(self, names: str | Sequence[str], asked: Ask) -> Answer:
        """Answer a question from one base or several."""
        each = [names] if isinstance(names, str) else names
        return self.app.answering.answer(asked, [self.app.bases.find(name) for name in each])

    def found(self, name: str, question: str) -> list[tuple[str, str]]:
        """Return (document, text) of the hits."""
        hits = self.app.search.retriever(name).retrieve(question, 10)
        return [(hit.chunk.document, hit.chunk.text) for hit in hits]

    def state(self, name: str) -> dict[str, str]:
        """Return the documents' digests, after checking that the stores hold exactly their chunks."""
        opened = self.app.bases.open(name)
        ids = set(opened.chunks.vector_ids())
        assert opened.store.ids() == ids
        assert opened.lexical.ids() == ids
        assert opened.files.names() == opened.documents.files() - {""}
        return opened.documents.digests()


@contextmanager
def workshop(home: Path, **arguments: object) -> Iterator[Workshop]:
    """Open one, and close it."""
    made = Workshop(home, **arguments)
    try:
        yield made
    finally:
        made.app.close()

"""The LangChain retriever, with the real parts behind it."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from langchain_core.documents import Document
from langchain_core.runnables import RunnableLambda

from kb_server.app import Application
from kb_server.config.settings import Settings, load_settings
from kb_server.core.errors import NotFound
from kb_server.integrations.langchain import KnowledgeBaseRetriever

TEXTS = {
    "tower.txt": "The Eiffel Tower was finished in 1889. It stands in Paris.",
    "bread.txt": "Sourdough bread rises slowly. The starter is fed every day.",
    "ships.txt": "The cargo ship carries containers. Its crew sails for months.",
}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    home = tmp_path_factory.mktemp("home")
    folder = tmp_path_factory.mktemp("texts")
    for name, text in TEXTS.items():
        (folder / name).write_text(text, "utf-8")
    made = load_settings(arguments={"home": home})
    application = Application(made)
    application.bases.create("notes")
    report = application.ingest.pipeline("notes").run([folder])
    application.close()
    assert (report.added, report.failed) == (3, [])
    return made


@pytest.fixture
def retriever(settings: Settings) -> Iterator[KnowledgeBaseRetriever]:
    opened = KnowledgeBaseRetriever.open("notes", k=2, settings=settings)
    yield opened
    opened.close()


def test_documents_in_a_chain(retriever: KnowledgeBaseRetriever) -> None:
    def join(documents: list[Document]) -> str:
        return "\n".join(document.page_content for document in documents)

    assert TEXTS["tower.txt"] in (retriever | RunnableLambda(join)).invoke("When was the Eiffel Tower finished?")


def test_metadata_says_where_the_text_stands(retriever: KnowledgeBaseRetriever) -> None:
    found = retriever.invoke("How is sourdough bread made?")
    assert 1 <= len(found) <= 2
    best = found[0]
    assert set(best.metadata) == {"document", "page", "start", "end", "score", "chunk_id", "heading_path"}
    assert best.metadata["document"] == "bread.txt"
    assert best.page_content == TEXTS["bread.txt"][best.metadata["start"] : best.metadata["end"]]
    assert 0 < best.metadata["score"] <= 1


def test_unknown_base(settings: Settings) -> None:
    with pytest.raises(NotFound, match="nothere"):
        KnowledgeBaseRetriever.open("nothere", settings=settings)


def test_without_langchain_the_extra_is_named(tmp_path: Path) -> None:
    (tmp_path / "langchain_core.py").write_text("raise ImportError('none')", "utf-8")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import kb_server.integrations.langchain"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "MissingExtra" in done.stderr
    assert "pip install 'kb-server[langchain]'" in done.stderr

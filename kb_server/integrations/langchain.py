"""A LangChain retriever over a knowledge base.

retriever = KnowledgeBaseRetriever.open("manuals", k=5)
chain = retriever | ...
"""

from typing import Self

from pydantic import Field, PrivateAttr

from kb_server.app import Application
from kb_server.config.settings import Settings, load_settings
from kb_server.core.domain import Hit
from kb_server.core.errors import MissingExtra

try:
    from langchain_core.callbacks import CallbackManagerForRetrieverRun
    from langchain_core.documents import Document
    from langchain_core.retrievers import BaseRetriever
except ImportError as error:
    raise MissingExtra(
        "The LangChain retriever needs the package 'langchain-core', which is not installed.",
        "Install it with: pip install 'kb-server[langchain]'",
    ) from error


class KnowledgeBaseRetriever(BaseRetriever):
    """Finds passages of one knowledge base; make it with `open`, and `close` it when done."""

    base: str
    k: int = Field(default=4, ge=1)
    _application: Application = PrivateAttr()

    @classmethod
    def open(cls, name: str, k: int = 4, settings: Settings | None = None) -> Self:
        """Open the base of this name under the given settings, or those of the environment; raises NotFound."""
        retriever = cls(base=name, k=k)
        retriever._application = Application(settings or load_settings())
        try:
            retriever._application.bases.find(name)
        except BaseException:
            retriever.close()
            raise
        return retriever

    def close(self) -> None:
        """Close the base's files."""
        self._application.close()

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:  # noqa: ARG002 - LangChain passes it by name
        return [_document(hit) for hit in self._application.search.retriever(self.base).search(query, self.k).hits]


def _document(hit: Hit) -> Document:
    chunk = hit.chunk
    metadata = {
        "document": chunk.document,
        "page": chunk.page,
        "start": chunk.start,
        "end": chunk.end,
        "score": hit.score,
        "chunk_id": chunk.id,
        "heading_path": list(chunk.heading_path),
    }
    return Document(page_content=chunk.text, metadata=metadata)

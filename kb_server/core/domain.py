"""The words of the system: what flows between loaders, stores, retrieval and answering.

Offsets are counted in characters of the document's text; `text[start:end]` is the thing itself.
Scores are higher-is-better and lie in 0..1.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class BlockKind(StrEnum):
    """What a block of a document is."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    LIST = "list"
    TABLE = "table"
    CODE = "code"
    IMAGE = "image"  # text read in a picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A stretch of a document's text: `document.text[start:end]`.

    `heading_path` holds the headings the block stands under, outermost first; a heading's own path ends with itself.
    A list has an item a line and a table a row a line; newlines elsewhere are line breaks of the source.
    """

    kind: BlockKind
    start: int
    end: int
    page: int | None = None
    heading_path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A file's text and its structure. Blocks are in reading order and do not overlap.

    `set_aside` says of parts that could not be read why, and how many they are.
    """

    name: str
    text: str
    blocks: tuple[Block, ...]
    pages: int | None = None
    set_aside: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """Where a chunk lies in its document; made by a Splitter."""

    start: int
    end: int
    page: int | None
    heading_path: tuple[str, ...]


class SplitBy(StrEnum):
    """What begins a new chunk: the next sentences, each row of a table, or each line that starts with a delimiter."""

    SENTENCES = "sentences"
    ROWS = "rows"
    DELIMITER = "delimiter"


@dataclass(frozen=True, slots=True, kw_only=True)
class Splitting:
    """How documents are cut into chunks; sizes in tokens as `kb_server.text.tokens` counts them."""

    size: int = 200
    overlap: int = 30
    by: SplitBy = SplitBy.SENTENCES
    delimiter: str = ""


class Redaction(StrEnum):
    """Kinds of secrets and personal data that can be taken out before anything is indexed; looked for in this order."""

    KEY = "key"
    EMAIL = "email"
    ID_CARD = "id_card"
    BANK_CARD = "bank_card"
    PHONE = "phone"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkPosition:
    """Where else the words of a chunk stand: offsets in that document's text, page, headings."""

    chunk_id: int
    document: str
    start: int
    end: int
    page: int | None
    heading_path: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A stored slice of a document, with its text; of an `edited` one a person's wording of what stands there.

    `id` names its text for good, `document_id` the version of the document that it is from. `also` are the places of
    others that say no more than it does.
    """

    id: int
    document_id: int
    document: str
    text: str
    start: int
    end: int
    page: int | None
    heading_path: tuple[str, ...]
    edited: bool = False
    also: tuple[ChunkPosition, ...] = ()

    @property
    def searchable(self) -> str:
        """What is embedded and indexed: the headings, then the text. Quotes are taken from `text` alone."""
        return searchable_text(self.heading_path, self.text)


def searchable_text(heading_path: tuple[str, ...], text: str) -> str:
    """Put the heading path before a chunk's text, leaving out headings that the text shows already."""
    titles = [title for title in heading_path if title not in text]
    return "\n".join([" > ".join(titles), text]) if titles else text


class DocumentState(StrEnum):
    """How far a document has come; only an indexed one is searched."""

    PENDING = "pending"
    INDEXED = "indexed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDocument:
    """A document as the catalog knows it; `file` is the generated name its bytes are kept under.

    `size` is in bytes, None if it is not known or no file is kept. `created` is when this version came in, UTC.
    """

    id: int
    name: str
    state: DocumentState
    sha256: str
    file: str
    pages: int | None
    chunks: int
    error: str | None
    created: datetime
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Fusion:
    """How dense and lexical scores are mixed: the weight of the dense score for each script of a question.

    `chunks` is how many the base had when the weights were fitted, so that growth can call for a new fit.
    """

    weights: Mapping[str, float]
    chunks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What `kb tune` fitted to a base's own text.

    `weights` turn evidence into confidence (see ConfidenceModel); an answer below the confidence `refuse_below` is
    refused. `passages` is how many an answer is made from, `rerank_depth` how many a reranker reads. `chunks` as in
    Fusion; `held_out` is how well that did on questions that were not fitted to.
    """

    weights: tuple[float, ...]
    refuse_below: float
    passages: int
    rerank_depth: int
    chunks: int
    held_out: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnowledgeBase:
    """A named set of documents with one embedder and one store; `id` names its folder, `vectors` the store's in it.

    `splitting` is its own way of cutting documents; None means the settings'. `calibration` is None until it is tuned.
    `description` says in a person's words what it is about.
    """

    id: str
    name: str
    store: str
    embedder: str
    fingerprint: str
    dimension: int
    fusion: Fusion | None
    created: datetime
    vectors: str = "vectors"
    splitting: Splitting | None = None
    calibration: Calibration | None = None
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What a knowledge base held at a moment: its indexed documents and how many chunks they had."""

    id: int
    name: str
    created: datetime
    documents: int
    chunks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A chunk with its score, and what each stage of retrieval gave it (`dense`, `lexical`; absent if not asked).

    `base` names the knowledge base it is from, once it stands among hits of several.
    """

    chunk: Chunk
    score: float
    stages: Mapping[str, float] = field(default_factory=dict)
    base: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which chunks may be searched; empty means all.

    Documents: those named or below `folder`. Of these, those with any of the `tags`, whose present version came into
    the base at `since` or later and before `until` (UTC, without a zone), and of them the `pages` from first to last.
    """

    documents: tuple[str, ...] = ()
    folder: str = ""
    tags: tuple[str, ...] = ()
    pages: tuple[int, int] | None = None
    since: datetime | None = None
    until: datetime | None = None

    def __bool__(self) -> bool:
        return self != Filter()


class SearchMode(StrEnum):
    """Which indexes a search asks."""

    HYBRID = "hybrid"
    DENSE = "dense"
    LEXICAL = "lexical"


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalCase:
    """A question whose answer is known.

    `answers` are wordings of which one suffices; `parts`, if there are any, must all be in an answer, each in one of
    its wordings. `documents` are the names of those that hold the answer; `kind` groups cases of one sort.
    """

    id: str
    question: str
    answers: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    answerable: bool = True
    parts: tuple[tuple[str, ...], ...] = ()
    kind: str = ""

"""The catalog's tables. A change here needs a migration beside it."""

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from kb_server.core.domain import DocumentState


def now() -> datetime:
    """Return the present in UTC, without a zone; for people only: a clock may go back, so nothing sorts by it."""
    return datetime.now(UTC).replace(tzinfo=None)


SCHEMA_VERSION = "0011"  # the newest migration; a test holds the two together

LIVE = tuple(DocumentState)  # every state of a document but those of versions set aside for snapshots

metadata = MetaData()

# SQLite gives a table a growing key only for INTEGER; PostgreSQL wants BIGINT for a billion chunks.
_Id = BigInteger().with_variant(Integer, "sqlite")

knowledge_bases = Table(
    "knowledge_bases",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", String(128), nullable=False, unique=True),
    Column("store", String(32), nullable=False),
    Column("embedder", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("dimension", Integer, nullable=False),
    Column("fusion", JSON(none_as_null=True)),
    Column("created", DateTime, nullable=False),
    Column("vectors", String(32), nullable=False, server_default="vectors"),
    Column("splitting", JSON(none_as_null=True)),
    Column("calibration", JSON(none_as_null=True)),
    Column("description", Text, nullable=False, server_default=""),
)

documents = Table(
    "documents",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("base_id", ForeignKey("knowledge_bases.id", ondelete="CASCADE"), nullable=False),
    Column("name", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("file", String(64), nullable=False),
    Column("pages", Integer),
    Column("error", Text),
    Column("created", DateTime, nullable=False),
    Column("size", BigInteger),  # of the file in bytes; null: not known, or no file is kept
    # One version answers while the next is pending, so a name may stand once in each state. A version that only
    # snapshots hold is in the state `kept-<its id>`: of those a name may have any number.
    UniqueConstraint("base_id", "name", "state"),
    sqlite_autoincrement=True,
)

document_texts = Table(
    "document_texts",
    metadata,
    Column("document_id", ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True),
    Column("text", Text, nullable=False),
)

# Ids are never used twice (sqlite_autoincrement): a conversation that is kept names its chunks for good, and a store
# that is behind may still hold a deleted one. `vector_id` is what the stores know a chunk by; several may share it.
chunks = Table(
    "chunks",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("document_id", ForeignKey("documents.id", ondelete="CASCADE"), nullable=False),
    Column("text", Text, nullable=False),
    Column("start", Integer, nullable=False),
    Column("end", Integer, nullable=False),
    Column("page", Integer),
    Column("heading_path", JSON, nullable=False),
    Column("likeness", LargeBinary),  # keys by which chunks of the same words are found; null: not looked for
    Column("vector_id", BigInteger, nullable=False, server_default="0"),  # 0: in the transaction that writes it
    Index("chunks_of_document", "document_id"),
    Index("chunks_of_vector", "vector_id", "id"),
    sqlite_autoincrement=True,
)

document_tags = Table(
    "document_tags",
    metadata,
    Column("base_id", ForeignKey("knowledge_bases.id", ondelete="CASCADE"), primary_key=True),
    Column("document", Text, primary_key=True),  # its name: a tag outlives the version it was put on
    Column("tag", String(64), primary_key=True),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", Text, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("scope", String(16), nullable=False),
    Column("base_ids", JSON(none_as_null=True)),  # null: every base
    Column("created", DateTime, nullable=False),
    Column("revoked", DateTime),
)

audit = Table(
    "audit",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("at", DateTime, nullable=False),
    Column("actor", String(32), nullable=False),
    Column("action", String(64), nullable=False),
    Column("subject", Text, nullable=False),
    Column("outcome", String(32), nullable=False),
    sqlite_autoincrement=True,
)

# `number` is the order of arrival: a clock may go back.
jobs = Table(
    "jobs",
    metadata,
    Column("number", _Id, primary_key=True, autoincrement=True),
    Column("id", String(32), nullable=False, unique=True),
    Column("base_id", ForeignKey("knowledge_bases.id", ondelete="CASCADE"), nullable=False),
    Column("owner", String(32), nullable=False),
    Column("state", String(16), nullable=False),
    Column("error", Text),
    Column("created", DateTime, nullable=False),
    Column("finished", DateTime),
    Column("kind", String(16), nullable=False, server_default="ingest"),
    Column("request", JSON(none_as_null=True)),  # what a job is to do that is not made of files
    Column("result", JSON(none_as_null=True)),
    Column("done", Integer, nullable=False, server_default="0"),
    Column("total", Integer, nullable=False, server_default="0"),
    sqlite_autoincrement=True,
)

job_files = Table(
    "job_files",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("name", Text, nullable=False),
    Column("file", String(64), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", Text),
    Index("files_of_job", "job_id"),
    sqlite_autoincrement=True,
)

conversations = Table(
    "conversations",
    metadata,
    Column("number", _Id, primary_key=True, autoincrement=True),
    Column("id", String(32), nullable=False, unique=True),
    Column("owner", String(32), nullable=False),
    Column("base", String(128), nullable=False),  # by name: a conversation outlives its base
    Column("bases", JSON(none_as_null=True)),  # where there are several: all of them, the one above first
    Column("title", Text, nullable=False),
    Column("created", DateTime, nullable=False),
    sqlite_autoincrement=True,
)

messages = Table(
    "messages",
    metadata,
    Column("number", _Id, primary_key=True, autoincrement=True),
    Column("id", String(32), nullable=False, unique=True),
    Column("conversation_id", ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False),
    Column("role", String(16), nullable=False),
    Column("content", Text, nullable=False),
    Column("answer", JSON(none_as_null=True)),
    Column("complete", Boolean, nullable=False),
    Column("score", Integer),
    Column("reason", Text),
    Column("created", DateTime, nullable=False),
    Index("messages_of_conversation", "conversation_id"),
    sqlite_autoincrement=True,
)

kept_files = Table(
    "kept_files",
    metadata,
    Column("number", _Id, primary_key=True, autoincrement=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("owner", String(32), nullable=False),
    Column("name", Text, nullable=False),
    Column("file", String(64), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("purpose", String(64), nullable=False),
    Column("created", DateTime, nullable=False),
    sqlite_autoincrement=True,
)

# Bases that stand for one person's uploaded files; nobody else sees them.
temporary_bases = Table(
    "temporary_bases",
    metadata,
    Column("base_id", ForeignKey("knowledge_bases.id", ondelete="CASCADE"), primary_key=True),
    Column("owner", String(32), nullable=False),
    Column("number", Integer, nullable=False),  # of the owner, in order: a clock may go back
)

# What a person has taken out of search. A table of its own: chunks are many, these are few.
disabled_chunks = Table(
    "disabled_chunks",
    metadata,
    Column("chunk_id", ForeignKey("chunks.id", ondelete="CASCADE"), primary_key=True),
)

# What a person has reworded; the document's text and the offsets in it stay as they are.
edited_chunks = Table(
    "edited_chunks",
    metadata,
    Column("chunk_id", ForeignKey("chunks.id", ondelete="CASCADE"), primary_key=True),
    Column("text", Text, nullable=False),
)

evaluation_cases = Table(
    "evaluation_cases",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("base_id", ForeignKey("knowledge_bases.id", ondelete="CASCADE"), nullable=False),
    Column("content", JSON, nullable=False),
    Index("cases_of_base", "base_id"),
    sqlite_autoincrement=True,
)

snapshots = Table(
    "snapshots",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("base_id", ForeignKey("knowledge_bases.id", ondelete="CASCADE"), nullable=False),
    Column("name", String(128), nullable=False),
    Column("created", DateTime, nullable=False),
    UniqueConstraint("base_id", "name"),
    sqlite_autoincrement=True,
)

snapshot_documents = Table(
    "snapshot_documents",
    metadata,
    Column("snapshot_id", ForeignKey("snapshots.id", ondelete="CASCADE"), primary_key=True),
    Column("document_id", ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True),
    Index("snapshots_of_document", "document_id"),
)

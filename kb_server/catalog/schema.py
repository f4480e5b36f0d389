"""The catalog's tables. A change here needs a migration beside it."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

SCHEMA_VERSION = "0002"  # the newest migration; a test holds the two together

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
    Column("splitting", JSON(none_as_null=True)),
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
    # One version answers while the next is pending, so a name may stand once in each state.
    UniqueConstraint("base_id", "name", "state"),
    sqlite_autoincrement=True,
)

document_texts = Table(
    "document_texts",
    metadata,
    Column("document_id", ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True),
    Column("text", Text, nullable=False),
)

# Ids are never used twice (sqlite_autoincrement): a store that is behind may still hold a deleted chunk's id.
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
    Index("chunks_of_document", "document_id"),
    sqlite_autoincrement=True,
)

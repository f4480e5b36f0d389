"""Snapshots, and which folder holds a base's vectors."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Add the tables; no table is made again, since SQLite would delete the rows that refer to it."""
    op.add_column("knowledge_bases", sa.Column("vectors", sa.String(32), nullable=False, server_default="vectors"))
    op.create_table(
        "snapshots",
        sa.Column("id", _Id, primary_key=True, autoincrement=True),
        sa.Column("base_id", sa.String(32), sa.ForeignKey("knowledge_bases.id", ondelete="CASCADE"), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("created", sa.DateTime, nullable=False),
        sa.UniqueConstraint("base_id", "name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "snapshot_documents",
        sa.Column("snapshot_id", _Id, sa.ForeignKey("snapshots.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("document_id", _Id, sa.ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True),
    )
    op.create_index("snapshots_of_document", "snapshot_documents", ["document_id"])

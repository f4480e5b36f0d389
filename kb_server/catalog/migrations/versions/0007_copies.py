"""Chunks of the same words are indexed once."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Add the table and the column; chunks written before have no keys and stay as they are."""
    op.add_column("chunks", sa.Column("likeness", sa.LargeBinary))
    op.create_table(
        "chunk_copies",
        sa.Column("chunk_id", _Id, sa.ForeignKey("chunks.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("original_id", _Id, sa.ForeignKey("chunks.id", ondelete="CASCADE"), nullable=False),
    )
    op.create_index("copies_of_chunk", "chunk_copies", ["original_id"])

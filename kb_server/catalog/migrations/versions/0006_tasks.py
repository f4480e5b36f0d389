"""Jobs of other kinds than uploads, questions to evaluate with, and chunks that a person has reworded."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Add the columns and tables."""
    op.add_column("jobs", sa.Column("kind", sa.String(16), nullable=False, server_default="ingest"))
    op.add_column("jobs", sa.Column("request", sa.JSON(none_as_null=True)))
    op.add_column("jobs", sa.Column("result", sa.JSON(none_as_null=True)))
    op.add_column("jobs", sa.Column("done", sa.Integer, nullable=False, server_default="0"))
    op.add_column("jobs", sa.Column("total", sa.Integer, nullable=False, server_default="0"))
    op.create_table(
        "evaluation_cases",
        sa.Column("id", _Id, primary_key=True, autoincrement=True),
        sa.Column("base_id", sa.String(32), sa.ForeignKey("knowledge_bases.id", ondelete="CASCADE"), nullable=False),
        sa.Column("content", sa.JSON, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("cases_of_base", "evaluation_cases", ["base_id"])
    op.create_table(
        "edited_chunks",
        sa.Column("chunk_id", _Id, sa.ForeignKey("chunks.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("text", sa.Text, nullable=False),
    )

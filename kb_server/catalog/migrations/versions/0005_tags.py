"""Words that people put on documents."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "document_tags",
        sa.Column("base_id", sa.String(32), sa.ForeignKey("knowledge_bases.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("document", sa.Text, primary_key=True),
        sa.Column("tag", sa.String(64), primary_key=True),
    )

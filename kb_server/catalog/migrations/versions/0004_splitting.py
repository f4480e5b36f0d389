"""A base may have its own way of cutting documents."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the column; None means the settings' way."""
    op.add_column("knowledge_bases", sa.Column("splitting", sa.JSON(none_as_null=True)))

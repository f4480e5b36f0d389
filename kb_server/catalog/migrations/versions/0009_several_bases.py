"""Conversations about several bases."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add the column; None means the one base that `base` names."""
    op.add_column("conversations", sa.Column("bases", sa.JSON(none_as_null=True)))

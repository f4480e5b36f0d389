"""What tuning fitted to a base."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the column; None means not tuned."""
    op.add_column("knowledge_bases", sa.Column("calibration", sa.JSON(none_as_null=True)))

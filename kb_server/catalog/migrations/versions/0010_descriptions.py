"""What a base is about stands with the base."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Move the notes into a column, and drop their table."""
    op.add_column("knowledge_bases", sa.Column("description", sa.Text, nullable=False, server_default=""))
    bases = sa.table("knowledge_bases", sa.column("id"), sa.column("description"))
    notes = sa.table("base_notes", sa.column("base_id"), sa.column("text"))
    noted = sa.select(notes.c.text).where(notes.c.base_id == bases.c.id).scalar_subquery()
    op.execute(sa.update(bases).values(description=sa.func.coalesce(noted, "")))
    op.drop_table("base_notes")

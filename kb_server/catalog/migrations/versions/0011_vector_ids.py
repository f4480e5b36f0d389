"""What the stores know a chunk by stands beside its own id; the sizes of files stand with their documents."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Name each chunk's vector as the stores do, and drop the table of copies; sizes are filled in when asked for."""
    op.add_column("documents", sa.Column("size", sa.BigInteger))
    op.add_column("chunks", sa.Column("vector_id", sa.BigInteger, nullable=False, server_default="0"))
    chunks = sa.table("chunks", sa.column("id"), sa.column("vector_id"))
    copies = sa.table("chunk_copies", sa.column("chunk_id"), sa.column("original_id"))
    original = sa.select(copies.c.original_id).where(copies.c.chunk_id == chunks.c.id).scalar_subquery()
    op.execute(sa.update(chunks).values(vector_id=sa.func.coalesce(original, chunks.c.id)))
    op.create_index("chunks_of_vector", "chunks", ["vector_id", "id"])
    op.drop_table("chunk_copies")

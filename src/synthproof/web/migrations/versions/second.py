"""Comments are looked up by dossier: a case with many dossiers and thousands of comments answered ever more slowly."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index."""
    op.create_index(op.f("ix_comment_dossier"), "comment", ["dossier"], unique=False)


def downgrade() -> None:
    """Take the index away."""
    op.drop_index(op.f("ix_comment_dossier"), table_name="comment")

"""The lines of a job's log, counted

Revision: c2f1b6a83d54, after 7a1c5d90be42.
"""

import sqlalchemy as sa
from alembic import op


revision = "c2f1b6a83d54"
down_revision = "7a1c5d90be42"
branch_labels = None
depends_on = None


def upgrade():
    with op.batch_alter_table("job_notes", schema=None) as batch_op:
        batch_op.add_column(sa.Column("last_line", sa.Integer(), nullable=False, server_default="0"))
        batch_op.drop_index("ix_job_notes_job_id")

    # Logs that are there already: the lines of a note, and of those before it.
    columns = [sa.column(name) for name in ("id", "job_id", "text", "last_line")]
    notes = sa.table("job_notes", *columns)
    earlier = notes.alias("earlier")
    lines = sa.func.length(earlier.c.text) - sa.func.length(sa.func.replace(earlier.c.text, "\n", "")) + 1
    before = (earlier.c.job_id == notes.c.job_id) & (earlier.c.id <= notes.c.id)
    op.execute(notes.update().values(last_line=sa.select(sa.func.sum(lines)).where(before).scalar_subquery()))

    with op.batch_alter_table("job_notes", schema=None) as batch_op:
        batch_op.alter_column("last_line", existing_type=sa.Integer(), server_default=None)
        batch_op.create_index("ix_job_notes_job_id_last_line", ["job_id", "last_line"], unique=False)


def downgrade():
    with op.batch_alter_table("job_notes", schema=None) as batch_op:
        batch_op.drop_index("ix_job_notes_job_id_last_line")
        batch_op.create_index("ix_job_notes_job_id", ["job_id"], unique=False)
        batch_op.drop_column("last_line")

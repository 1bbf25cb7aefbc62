"""Jobs with attempts, a log and files

Revision: 790b72d97404, after e97fb8dc2797.
"""

import sqlalchemy as sa
from alembic import op

import database


revision = "790b72d97404"
down_revision = "e97fb8dc2797"
branch_labels = None
depends_on = None


def upgrade():
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("once", sa.String(length=120), nullable=True))
        batch_op.add_column(sa.Column("max_attempts", sa.Integer(), nullable=False, server_default="3"))
        batch_op.add_column(sa.Column("percent", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("pace", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("queued_at", database.UtcDateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("due_at", database.UtcDateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("beat_at", database.UtcDateTime(timezone=True), nullable=True))
        batch_op.alter_column("user_id", existing_type=sa.INTEGER(), nullable=True)
        batch_op.alter_column(
            "state", existing_type=sa.VARCHAR(length=10), type_=sa.String(length=12), existing_nullable=False
        )
        batch_op.alter_column(
            "message",
            existing_type=sa.VARCHAR(length=200),
            type_=sa.String(length=300),
            existing_nullable=False,
        )
        batch_op.create_index("ix_jobs_state_id", ["state", "id"], unique=False)
        batch_op.create_unique_constraint(batch_op.f("uq_jobs_once"), ["once"])

    op.execute("UPDATE jobs SET queued_at = created_at")  # those that wait stand in line since they were made
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.alter_column("queued_at", existing_type=database.UtcDateTime(timezone=True), nullable=False)
        batch_op.alter_column("max_attempts", existing_type=sa.Integer(), server_default=None)
        batch_op.alter_column("percent", existing_type=sa.Integer(), server_default=None)

    op.create_table(
        "job_attempts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(length=12), nullable=False),
        sa.Column("message", sa.String(length=300), nullable=False),
        sa.Column("trace", sa.Text(), nullable=True),
        sa.Column("worker", sa.String(length=100), nullable=False),
        sa.Column("started_at", database.UtcDateTime(timezone=True), nullable=False),
        sa.Column("ended_at", database.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobs.id"], name=op.f("fk_job_attempts_job_id_jobs"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_attempts")),
        sa.UniqueConstraint("job_id", "number", name=op.f("uq_job_attempts_job_id")),
    )
    op.create_table(
        "job_files",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("field", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("mime", sa.String(length=60), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobs.id"], name=op.f("fk_job_files_job_id_jobs"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_files")),
    )
    with op.batch_alter_table("job_files", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_job_files_job_id"), ["job_id"], unique=False)

    op.create_table(
        "job_notes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobs.id"], name=op.f("fk_job_notes_job_id_jobs"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_notes")),
    )
    with op.batch_alter_table("job_notes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_job_notes_job_id"), ["job_id"], unique=False)


def downgrade():
    with op.batch_alter_table("job_notes", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_job_notes_job_id"))

    op.drop_table("job_notes")
    with op.batch_alter_table("job_files", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_job_files_job_id"))

    op.drop_table("job_files")
    op.drop_table("job_attempts")

    op.execute("DELETE FROM jobs WHERE user_id IS NULL")
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("uq_jobs_once"), type_="unique")
        batch_op.drop_index("ix_jobs_state_id")
        batch_op.alter_column(
            "message",
            existing_type=sa.String(length=300),
            type_=sa.VARCHAR(length=200),
            existing_nullable=False,
        )
        batch_op.alter_column(
            "state", existing_type=sa.String(length=12), type_=sa.VARCHAR(length=10), existing_nullable=False
        )
        batch_op.alter_column("user_id", existing_type=sa.INTEGER(), nullable=False)
        batch_op.drop_column("beat_at")
        batch_op.drop_column("due_at")
        batch_op.drop_column("queued_at")
        batch_op.drop_column("pace")
        batch_op.drop_column("percent")
        batch_op.drop_column("max_attempts")
        batch_op.drop_column("once")

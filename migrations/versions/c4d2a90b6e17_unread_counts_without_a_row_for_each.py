"""Unread counts without a row for each: a room counts what was posted, a membership what of it is behind its person

Revision: c4d2a90b6e17, after c2f1b6a83d54.
"""

import sqlalchemy as sa
from alembic import op


revision = "c4d2a90b6e17"
down_revision = "c2f1b6a83d54"
branch_labels = None
depends_on = None

ROOMS = "UPDATE rooms SET posted = (SELECT count(*) FROM messages WHERE room_id = rooms.id)"
BEHIND = "UPDATE memberships SET behind = (SELECT posted FROM rooms WHERE id = memberships.room_id) - unread"
UNREAD = "UPDATE memberships SET unread = (SELECT posted FROM rooms WHERE id = memberships.room_id) - behind"


def upgrade():
    with op.batch_alter_table("rooms", schema=None) as batch_op:
        batch_op.add_column(sa.Column("posted", sa.Integer(), nullable=False, server_default="0"))
    with op.batch_alter_table("memberships", schema=None) as batch_op:
        batch_op.add_column(sa.Column("behind", sa.Integer(), nullable=False, server_default="0"))
    op.execute(ROOMS)
    op.execute(BEHIND)
    with op.batch_alter_table("memberships", schema=None) as batch_op:
        batch_op.drop_column("unread")


def downgrade():
    with op.batch_alter_table("memberships", schema=None) as batch_op:
        batch_op.add_column(sa.Column("unread", sa.Integer(), nullable=False, server_default="0"))
    op.execute(UNREAD)
    with op.batch_alter_table("memberships", schema=None) as batch_op:
        batch_op.drop_column("behind")
    with op.batch_alter_table("rooms", schema=None) as batch_op:
        batch_op.drop_column("posted")

"""Options with prices, baskets, closing times; what a guest changes and what a cook takes back

Revision: 7a1c5d90be42, after 07ac3dcd6d97.
"""

import secrets

import sqlalchemy as sa
from alembic import op

import database


revision = "7a1c5d90be42"
down_revision = "07ac3dcd6d97"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "modifiers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("price_cents", sa.Integer(), nullable=False),
        sa.Column("sort", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_modifiers")),
    )
    op.create_table(
        "closings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("closes_at", database.UtcDateTime(timezone=True), nullable=False),
        sa.Column("opens_at", database.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_closings")),
    )
    with op.batch_alter_table("closings", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_closings_closes_at"), ["closes_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_closings_opens_at"), ["opens_at"], unique=False)

    with op.batch_alter_table("menu_items", schema=None) as batch_op:
        batch_op.add_column(sa.Column("version", sa.Integer(), nullable=False, server_default="1"))
    op.create_table(
        "menu_item_modifiers",
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("modifier_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["item_id"],
            ["menu_items.id"],
            name=op.f("fk_menu_item_modifiers_item_id_menu_items"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["modifier_id"],
            ["modifiers.id"],
            name=op.f("fk_menu_item_modifiers_modifier_id_modifiers"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("item_id", "modifier_id", name=op.f("pk_menu_item_modifiers")),
    )
    op.create_table(
        "basket_lines",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("choice", sa.String(length=100), nullable=False),
        sa.Column("chosen", sa.JSON(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("seen_cents", sa.Integer(), nullable=False),
        sa.Column("added_at", database.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["item_id"],
            ["menu_items.id"],
            name=op.f("fk_basket_lines_item_id_menu_items"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_basket_lines_user_id_user"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_basket_lines")),
        sa.UniqueConstraint("user_id", "item_id", "choice", name=op.f("uq_basket_lines_user_id")),
    )
    with op.batch_alter_table("basket_lines", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_basket_lines_item_id"), ["item_id"], unique=False)

    with op.batch_alter_table("order_lines", schema=None) as batch_op:
        batch_op.add_column(sa.Column("modifiers", sa.JSON(), nullable=False, server_default="[]"))
        batch_op.add_column(sa.Column("mark", sa.String(length=10), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("ticked", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("order_steps", schema=None) as batch_op:
        batch_op.add_column(sa.Column("by_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("place", sa.String(length=20), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("undone_at", database.UtcDateTime(timezone=True), nullable=True))
        batch_op.create_index(batch_op.f("ix_order_steps_by_id"), ["by_id"], unique=False)
        batch_op.create_index("ix_order_steps_state_at", ["state", "at"], unique=False)
    with op.batch_alter_table("orders", schema=None) as batch_op:
        batch_op.add_column(sa.Column("tracking", sa.String(length=32), nullable=True))
        batch_op.add_column(sa.Column("note", sa.String(length=140), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("changed", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("recalled", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("ahead", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("promised_from", database.UtcDateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("promised_until", database.UtcDateTime(timezone=True), nullable=True))
        batch_op.create_unique_constraint(batch_op.f("uq_orders_tracking"), ["tracking"])
        batch_op.create_index("ix_orders_state_changed_at", ["state", "changed_at"], unique=False)
    _give_open_orders_an_address()


def _give_open_orders_an_address():
    """Only those that somebody may still want to follow; a handed over one needs none."""
    orders = sa.table("orders", sa.column("id"), sa.column("state"), sa.column("tracking"))
    connection = op.get_bind()
    for (order_id,) in connection.execute(sa.select(orders.c.id).where(orders.c.state != "done")).all():
        row = sa.update(orders).where(orders.c.id == order_id).values(tracking=secrets.token_hex(16))
        connection.execute(row)


def downgrade():
    with op.batch_alter_table("orders", schema=None) as batch_op:
        batch_op.drop_index("ix_orders_state_changed_at")
        batch_op.drop_constraint(batch_op.f("uq_orders_tracking"), type_="unique")
        for name in ("promised_until", "promised_from", "ahead", "recalled", "changed", "note", "tracking"):
            batch_op.drop_column(name)
    with op.batch_alter_table("order_steps", schema=None) as batch_op:
        batch_op.drop_index("ix_order_steps_state_at")
        batch_op.drop_index(batch_op.f("ix_order_steps_by_id"))
        for name in ("undone_at", "place", "by_id"):
            batch_op.drop_column(name)
    with op.batch_alter_table("order_lines", schema=None) as batch_op:
        for name in ("ticked", "mark", "modifiers"):
            batch_op.drop_column(name)
    op.drop_table("basket_lines")
    op.drop_table("menu_item_modifiers")
    with op.batch_alter_table("menu_items", schema=None) as batch_op:
        batch_op.drop_column("version")
    op.drop_table("closings")
    op.drop_table("modifiers")

"""Events, their deliveries, the attempts, and the receivers that asked for nothing more."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "events",
        sa.Column("event_id", sa.String(64), primary_key=True),
        sa.Column("value", sa.LargeBinary, nullable=False),
        sa.Column("pair", sa.String(64), nullable=False),
        sa.Column("divergence_id", sa.String(64), nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("received_at_ns", sa.BigInteger, nullable=False),
        sa.Column("published_at_ns", sa.BigInteger, nullable=False),
        sa.Column("headers", sa.JSON, nullable=False),
    )
    op.create_index("ix_events_divergence_id", "events", ["divergence_id"])
    op.create_table(
        "deliveries",
        sa.Column("delivery_id", sa.String(64), primary_key=True),
        sa.Column("event_id", sa.String(64), sa.ForeignKey("events.event_id"), nullable=False),
        sa.Column("subscription", sa.String(64), nullable=False),
        sa.Column("channel", sa.String(16), nullable=False),
        sa.Column("receiver_id", sa.String(64), nullable=False),
        sa.Column("pair", sa.String(64), nullable=False),
        sa.Column("divergence_id", sa.String(64), nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("message_id", sa.String(320), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("last_reason", sa.String(32), nullable=False),
        sa.Column("next_attempt_at_ns", sa.BigInteger, nullable=False),
        sa.Column("expires_at_ns", sa.BigInteger, nullable=False),
        sa.Column("ended_at_ns", sa.BigInteger, nullable=True),
        sa.Column("audited", sa.Boolean, nullable=False),
        sa.UniqueConstraint("event_id", "subscription", name="uq_deliveries_event_subscription"),
    )
    op.create_index(
        "ix_deliveries_pending_lane",
        "deliveries",
        ["subscription", "divergence_id", "sequence"],
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index(
        "ix_deliveries_unaudited",
        "deliveries",
        ["ended_at_ns"],
        sqlite_where=sa.text("NOT audited AND state <> 'pending'"),
        postgresql_where=sa.text("NOT audited AND state <> 'pending'"),
    )
    op.create_index("ix_deliveries_divergence", "deliveries", ["divergence_id"])
    op.create_table(
        "attempts",
        sa.Column("delivery_id", sa.String(64), sa.ForeignKey("deliveries.delivery_id"), primary_key=True),
        sa.Column("attempt", sa.Integer, primary_key=True),
        sa.Column("started_at_ns", sa.BigInteger, nullable=False),
        sa.Column("duration_seconds", sa.Float, nullable=False),
        sa.Column("answer", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(32), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
    )
    op.create_table(
        "gone_receivers",
        sa.Column("receiver_id", sa.String(64), primary_key=True),
        sa.Column("subscription", sa.String(64), nullable=False),
        sa.Column("gone_at_ns", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    """Drop the tables."""
    for table in ("gone_receivers", "attempts", "deliveries", "events"):
        op.drop_table(table)

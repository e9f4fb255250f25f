"""Attempts that have begun, numbers of each subscription's messages, suppressions, receivers, positions.

The deliveries of before are numbered in the order in which their events were received. What waits is owned by
nobody, so that the first notifier takes it; of several in one lane only the newest waits on.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_PENDING = sa.text("state = 'pending'")
_SENDING = sa.text("state = 'sending'")
_OLD_UNAUDITED = sa.text("NOT audited AND state <> 'pending'")
_UNAUDITED = sa.text("NOT audited AND ended_at_ns IS NOT NULL")
_NOT_AUDITED = sa.text("NOT audited")


def upgrade() -> None:
    """Add the tables and columns, and fill them from what is there."""
    _add_columns()
    _add_tables()
    _fill()
    _change_indexes()


def _add_columns() -> None:
    for column in (
        sa.Column("fingerprint", sa.String(64), nullable=False, server_default=""),
        sa.Column("severity", sa.String(16), nullable=False, server_default=""),
        sa.Column("occurred_at_ns", sa.BigInteger, nullable=False, server_default="0"),
    ):
        op.add_column("events", column)
    for column in (
        sa.Column("endpoint_sequence", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("unknown_attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("sending_since_ns", sa.BigInteger, nullable=True),
        sa.Column("owner", sa.String(64), nullable=True),
        sa.Column("replaces", sa.Text, nullable=False, server_default="[]"),
        sa.Column("received_at_ns", sa.BigInteger, nullable=False, server_default="0"),
    ):
        op.add_column("deliveries", column)


def _add_tables() -> None:
    op.create_table(
        "suppressions",
        sa.Column("event_id", sa.String(64), sa.ForeignKey("events.event_id"), primary_key=True),
        sa.Column("subscription", sa.String(64), primary_key=True),
        sa.Column("channel", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(32), nullable=False),
        sa.Column("decided_at_ns", sa.BigInteger, nullable=False),
        sa.Column("audited", sa.Boolean, nullable=False),
    )
    op.create_table(
        "endpoint_sequences",
        sa.Column("subscription", sa.String(64), primary_key=True),
        sa.Column("last", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "receivers",
        sa.Column("receiver_id", sa.String(64), primary_key=True),
        sa.Column("subscription", sa.String(64), nullable=False),
        sa.Column("is_gone", sa.Boolean, nullable=False),
        sa.Column("gone_reason", sa.String(32), nullable=False),
        sa.Column("gone_at_ns", sa.BigInteger, nullable=True),
        sa.Column("not_before_ns", sa.BigInteger, nullable=True),
        sa.Column("failing_since_ns", sa.BigInteger, nullable=True),
    )
    op.create_table(
        "log_positions",
        sa.Column("topic", sa.String(255), primary_key=True),
        sa.Column("partition", sa.Integer, primary_key=True),
        sa.Column("next_offset", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "requests",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True
        ),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("subscription", sa.String(64), nullable=False),
        sa.Column("delivery_id", sa.String(64), nullable=False),
        sa.Column("made_at_ns", sa.BigInteger, nullable=False),
    )
    op.create_table("notifiers", sa.Column("instance", sa.String(64), primary_key=True))


def _fill() -> None:
    op.execute(
        "UPDATE deliveries SET received_at_ns = e.received_at_ns FROM events AS e"
        " WHERE e.event_id = deliveries.event_id"
    )
    op.execute(
        "UPDATE deliveries SET endpoint_sequence = numbered.place FROM ("
        "  SELECT delivery_id, row_number() OVER ("
        "    PARTITION BY subscription ORDER BY received_at_ns, sequence, delivery_id) AS place"
        "  FROM deliveries) AS numbered WHERE numbered.delivery_id = deliveries.delivery_id"
    )
    # The older notifier let several messages of one divergence wait; only the newest is still worth sending.
    op.execute(
        "UPDATE deliveries SET state = 'superseded', last_reason = 'superseded', ended_at_ns = ("
        "  SELECT min(n.received_at_ns) FROM deliveries AS n WHERE n.subscription = deliveries.subscription"
        "  AND n.divergence_id = deliveries.divergence_id AND n.sequence > deliveries.sequence"
        "  AND n.state = 'pending')"
        " WHERE state = 'pending' AND EXISTS ("
        "  SELECT 1 FROM deliveries AS n WHERE n.subscription = deliveries.subscription"
        "  AND n.divergence_id = deliveries.divergence_id AND n.sequence > deliveries.sequence"
        "  AND n.state = 'pending')"
    )
    op.execute(
        "INSERT INTO endpoint_sequences (subscription, last)"
        " SELECT subscription, max(endpoint_sequence) FROM deliveries GROUP BY subscription"
    )
    op.execute(
        "INSERT INTO receivers (receiver_id, subscription, is_gone, gone_reason, gone_at_ns)"
        " SELECT receiver_id, subscription, true, 'gone', gone_at_ns FROM gone_receivers"
    )
    op.drop_table("gone_receivers")


def _change_indexes() -> None:
    op.drop_index("ix_deliveries_pending_lane", "deliveries")
    op.drop_index("ix_deliveries_unaudited", "deliveries")
    op.drop_index("ix_deliveries_divergence", "deliveries")
    op.create_index("ix_events_fingerprint", "events", ["fingerprint"])
    op.create_index(
        "ix_deliveries_endpoint_sequence", "deliveries", ["subscription", "endpoint_sequence"], unique=True
    )
    op.create_index("ix_deliveries_lane", "deliveries", ["divergence_id", "subscription", "sequence"])
    op.create_index(
        "ix_deliveries_sending_lane",
        "deliveries",
        ["divergence_id", "subscription"],
        unique=True,
        sqlite_where=_SENDING,
        postgresql_where=_SENDING,
    )
    op.create_index(
        "ix_deliveries_pending_receiver",
        "deliveries",
        ["receiver_id", "received_at_ns", "sequence"],
        sqlite_where=_PENDING,
        postgresql_where=_PENDING,
    )
    op.create_index(
        "ix_deliveries_unaudited",
        "deliveries",
        ["ended_at_ns"],
        sqlite_where=_UNAUDITED,
        postgresql_where=_UNAUDITED,
    )
    op.create_index(
        "ix_suppressions_unaudited",
        "suppressions",
        ["decided_at_ns"],
        sqlite_where=_NOT_AUDITED,
        postgresql_where=_NOT_AUDITED,
    )


def downgrade() -> None:
    """Take away what was added; numbers, suppressions and positions are lost."""
    # What was being sent would never be sent again: the older notifier knows only what is pending.
    op.execute("UPDATE deliveries SET state = 'pending' WHERE state = 'sending'")
    op.create_table(
        "gone_receivers",
        sa.Column("receiver_id", sa.String(64), primary_key=True),
        sa.Column("subscription", sa.String(64), nullable=False),
        sa.Column("gone_at_ns", sa.BigInteger, nullable=False),
    )
    op.execute(
        "INSERT INTO gone_receivers (receiver_id, subscription, gone_at_ns)"
        " SELECT receiver_id, subscription, coalesce(gone_at_ns, 0) FROM receivers WHERE is_gone"
    )
    for table in (
        "notifiers",
        "requests",
        "log_positions",
        "receivers",
        "endpoint_sequences",
        "suppressions",
    ):
        op.drop_table(table)
    for index in ("unaudited", "pending_receiver", "sending_lane", "lane", "endpoint_sequence"):
        op.drop_index(f"ix_deliveries_{index}", "deliveries")
    op.drop_index("ix_events_fingerprint", "events")
    for column in (
        "received_at_ns",
        "replaces",
        "owner",
        "sending_since_ns",
        "unknown_attempts",
        "endpoint_sequence",
    ):
        op.drop_column("deliveries", column)
    for column in ("occurred_at_ns", "severity", "fingerprint"):
        op.drop_column("events", column)
    op.create_index("ix_deliveries_divergence", "deliveries", ["divergence_id"])
    op.create_index(
        "ix_deliveries_pending_lane",
        "deliveries",
        ["subscription", "divergence_id", "sequence"],
        sqlite_where=_PENDING,
        postgresql_where=_PENDING,
    )
    op.create_index(
        "ix_deliveries_unaudited",
        "deliveries",
        ["ended_at_ns"],
        sqlite_where=_OLD_UNAUDITED,
        postgresql_where=_OLD_UNAUDITED,
    )

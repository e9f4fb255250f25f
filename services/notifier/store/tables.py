"""The notifier's tables: events as they were received, deliveries until their end, and every attempt.

The store is SQLite and serves one notifier. The tables keep to SQL that other databases know too, but nothing
else is tested. Instants are integer nanoseconds since the Unix epoch, wall time.
"""

from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

PENDING: Final = "pending"

METADATA: Final = MetaData()

EVENTS: Final = Table(
    "events",
    METADATA,
    Column("event_id", String(64), primary_key=True),
    # The Kafka value byte for byte: it is what webhooks carry.
    Column("value", LargeBinary, nullable=False),
    Column("pair", String(64), nullable=False),
    Column("divergence_id", String(64), nullable=False, index=True),
    Column("sequence", BigInteger, nullable=False),
    Column("received_at_ns", BigInteger, nullable=False),
    Column("published_at_ns", BigInteger, nullable=False),
    Column("headers", JSON, nullable=False),
)

DELIVERIES: Final = Table(
    "deliveries",
    METADATA,
    Column("delivery_id", String(64), primary_key=True),
    Column("event_id", ForeignKey("events.event_id"), nullable=False),
    Column("subscription", String(64), nullable=False),
    Column("channel", String(16), nullable=False),
    Column("receiver_id", String(64), nullable=False),
    Column("pair", String(64), nullable=False),
    Column("divergence_id", String(64), nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("message_id", String(320), nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("last_reason", String(32), nullable=False),
    Column("next_attempt_at_ns", BigInteger, nullable=False),
    Column("expires_at_ns", BigInteger, nullable=False),
    Column("ended_at_ns", BigInteger, nullable=True),
    Column("audited", Boolean, nullable=False),
    UniqueConstraint("event_id", "subscription", name="uq_deliveries_event_subscription"),
)

# What waits is few among what ever was: both questions of the dispatcher are answered from these alone.
Index(
    "ix_deliveries_pending_lane",
    DELIVERIES.c.subscription,
    DELIVERIES.c.divergence_id,
    DELIVERIES.c.sequence,
    sqlite_where=text("state = 'pending'"),
    postgresql_where=text("state = 'pending'"),
)
Index(
    "ix_deliveries_unaudited",
    DELIVERIES.c.ended_at_ns,
    sqlite_where=text("NOT audited AND state <> 'pending'"),
    postgresql_where=text("NOT audited AND state <> 'pending'"),
)
Index("ix_deliveries_divergence", DELIVERIES.c.divergence_id)

ATTEMPTS: Final = Table(
    "attempts",
    METADATA,
    Column("delivery_id", ForeignKey("deliveries.delivery_id"), primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("started_at_ns", BigInteger, nullable=False),
    Column("duration_seconds", Float, nullable=False),
    Column("answer", String(16), nullable=False),
    Column("reason", String(32), nullable=False),
    Column("detail", Text, nullable=False),
)

GONE_RECEIVERS: Final = Table(
    "gone_receivers",
    METADATA,
    Column("receiver_id", String(64), primary_key=True),
    Column("subscription", String(64), nullable=False),
    Column("gone_at_ns", BigInteger, nullable=False),
)

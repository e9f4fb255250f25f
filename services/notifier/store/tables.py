"""The notifier's tables: events as they were received, deliveries until their end, and every attempt.

They are the same in SQLite and PostgreSQL. Instants are integer nanoseconds since the Unix epoch, wall time.
"""

from typing import Any, Final

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

METADATA: Final = MetaData()

EVENTS: Final = Table(
    "events",
    METADATA,
    Column("event_id", String(64), primary_key=True),
    # The Kafka value byte for byte: it is what webhooks carry.
    Column("value", LargeBinary, nullable=False),
    Column("pair", String(64), nullable=False),
    Column("divergence_id", String(64), nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("received_at_ns", BigInteger, nullable=False),
    Column("published_at_ns", BigInteger, nullable=False),
    Column("headers", JSON, nullable=False),
    # What the repeat interval asks of earlier events; empty in events of before it.
    Column("fingerprint", String(64), nullable=False, server_default=""),
    Column("severity", String(16), nullable=False, server_default=""),
    Column("occurred_at_ns", BigInteger, nullable=False, server_default="0"),
    Index("ix_events_divergence_id", "divergence_id"),
    Index("ix_events_fingerprint", "fingerprint"),
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
    # pending, sending, or how it ended: a value of Outcome.
    Column("state", String(16), nullable=False),
    # Attempts that have begun.
    Column("attempts", Integer, nullable=False),
    Column("last_reason", String(32), nullable=False),
    Column("next_attempt_at_ns", BigInteger, nullable=False),
    Column("expires_at_ns", BigInteger, nullable=False),
    Column("ended_at_ns", BigInteger, nullable=True),
    Column("audited", Boolean, nullable=False),
    # The number of the message among those of its subscription, from 1 without gaps.
    Column("endpoint_sequence", BigInteger, nullable=False, server_default="0"),
    Column("unknown_attempts", Integer, nullable=False, server_default="0"),
    Column("sending_since_ns", BigInteger, nullable=True),
    # The notifier that may send it; NULL in deliveries of before several could share a store.
    Column("owner", String(64), nullable=True),
    # JSON: [[endpoint_sequence, outcome], ...], oldest first.
    Column("replaces", Text, nullable=False, server_default="[]"),
    # The event's, so that the newest waiting ones are found without it.
    Column("received_at_ns", BigInteger, nullable=False, server_default="0"),
    UniqueConstraint("event_id", "subscription", name="uq_deliveries_event_subscription"),
)


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


# A partial index holds only what waits, which is little among what ever was.
Index(
    "ix_deliveries_endpoint_sequence",
    DELIVERIES.c.subscription,
    DELIVERIES.c.endpoint_sequence,
    unique=True,
)
Index("ix_deliveries_lane", DELIVERIES.c.divergence_id, DELIVERIES.c.subscription, DELIVERIES.c.sequence)
# Two notifiers cannot both start a delivery of one lane.
Index(
    "ix_deliveries_sending_lane",
    DELIVERIES.c.divergence_id,
    DELIVERIES.c.subscription,
    unique=True,
    **_where("state = 'sending'"),
)
Index(
    "ix_deliveries_pending_receiver",
    DELIVERIES.c.receiver_id,
    DELIVERIES.c.received_at_ns,
    DELIVERIES.c.sequence,
    **_where("state = 'pending'"),
)
Index(
    "ix_deliveries_unaudited",
    DELIVERIES.c.ended_at_ns,
    **_where("NOT audited AND ended_at_ns IS NOT NULL"),
)

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

# Why a subscription did not get an event.
SUPPRESSIONS: Final = Table(
    "suppressions",
    METADATA,
    Column("event_id", ForeignKey("events.event_id"), primary_key=True),
    Column("subscription", String(64), primary_key=True),
    Column("channel", String(16), nullable=False),
    Column("reason", String(32), nullable=False),
    Column("decided_at_ns", BigInteger, nullable=False),
    Column("audited", Boolean, nullable=False),
)
Index("ix_suppressions_unaudited", SUPPRESSIONS.c.decided_at_ns, **_where("NOT audited"))

# The last number given to a message of each subscription; it outlives the deliveries.
ENDPOINT_SEQUENCES: Final = Table(
    "endpoint_sequences",
    METADATA,
    Column("subscription", String(64), primary_key=True),
    Column("last", BigInteger, nullable=False),
)

# What is known of a receiver beyond its deliveries. A receiver without a row is well.
RECEIVERS: Final = Table(
    "receivers",
    METADATA,
    Column("receiver_id", String(64), primary_key=True),
    Column("subscription", String(64), nullable=False),
    Column("is_gone", Boolean, nullable=False),
    Column("gone_reason", String(32), nullable=False),
    Column("gone_at_ns", BigInteger, nullable=True),
    # It asked to be left alone until then.
    Column("not_before_ns", BigInteger, nullable=True),
    Column("failing_since_ns", BigInteger, nullable=True),
)

# Up to where the log's records are in this store.
LOG_POSITIONS: Final = Table(
    "log_positions",
    METADATA,
    Column("topic", String(255), primary_key=True),
    Column("partition", Integer, primary_key=True),
    Column("next_offset", BigInteger, nullable=False),
)

# What the command line asks of a running notifier, which takes and deletes it.
REQUESTS: Final = Table(
    "requests",
    METADATA,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("kind", String(16), nullable=False),
    Column("subscription", String(64), nullable=False),
    Column("delivery_id", String(64), nullable=False),
    Column("made_at_ns", BigInteger, nullable=False),
)

# The notifiers that may own deliveries. Each holds a lock while it is connected: without one it has ended.
NOTIFIERS: Final = Table(
    "notifiers",
    METADATA,
    Column("instance", String(64), primary_key=True),
)

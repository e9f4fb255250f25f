"""How one delivery ended, and input that could not be used."""

import base64
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_KEPT_BYTES: Final = 1_024
# A message may quote its input; a dead letter must stay far below the largest record that the topic allows.
_KEPT_CHARACTERS: Final = 1_000


class Channel(StrEnum):
    """How a receiver is reached."""

    EMAIL = "email"
    WEBHOOK = "webhook"


class Outcome(StrEnum):
    """How it ended: a delivery, or the decision that there is none (``suppressed``).

    ``superseded``: a newer message of the same divergence took its place. ``unknown``:
    it may have arrived, and is not repeated.
    """

    DELIVERED = "delivered"
    REJECTED = "rejected"
    GONE = "gone"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    UNKNOWN = "unknown"
    SUPPRESSED = "suppressed"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryOutcome:
    """The audit record of one decision: how one message to one receiver ended, or why there is none.

    Parameters
    ----------
    delivery_id
        Derived from event and subscription; equal on replay.
    message_id
        The ``webhook-id`` or the ``Message-ID``; empty when suppressed.
    reason
        Closed snake_case word; empty when delivered.
    ended_at
        RFC 3339 wall time; when suppressed, that of the decision.
    endpoint_sequence
        Number of the message among those of its subscription, from 1 without gaps; 0 when suppressed.
    pair, divergence_id
        Of the event; empty in older records.
    """

    delivery_id: str
    event_id: str
    subscription: str
    channel: Channel
    outcome: Outcome
    reason: str
    attempts: int
    message_id: str
    ended_at: str
    endpoint_sequence: int = 0
    pair: str = ""
    divergence_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """Input that could not be used and is kept.

    Parameters
    ----------
    origin
        Kafka topic, or ``feed:<name>`` for what never was a record.
    partition, offset
        Of the record; None for what never was one.
    first_bytes
        Base64 of at most the first 1,024 bytes.
    """

    origin: str
    partition: int | None
    offset: int | None
    reason: str
    message: str
    first_bytes: str


def dead_letter(
    origin: str,
    *,
    partition: int | None = None,
    offset: int | None = None,
    raw: bytes | None,
    reason: str,
    message: str,
) -> DeadLetter:
    """Return the letter about input that could not be used.

    Parameters
    ----------
    raw
        The input; its first 1,024 bytes are kept. None is an empty record.
    message
        What was wrong; its first 1,000 characters are kept.

    Examples
    --------
    >>> letter = dead_letter("feed:kraken", raw=b"{", reason="not_json", message="a frame must be JSON")
    >>> letter.first_bytes, letter.partition, letter.offset
    ('ew==', None, None)
    """
    return DeadLetter(
        origin=origin,
        partition=partition,
        offset=offset,
        reason=reason,
        message=message[:_KEPT_CHARACTERS],
        first_bytes=base64.b64encode((raw or b"")[:_KEPT_BYTES]).decode("ascii"),
    )

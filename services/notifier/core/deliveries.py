"""A delivery that has not ended: one message to one receiver, what is known of it, and how many there are."""

from dataclasses import dataclass

from shared.domain.deliveries import Channel, Outcome

# One divergence for one subscription. A lane has one delivery in flight at a time, so that nobody reads that
# a divergence closed before reading that it opened.
Lane = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaced:
    """An earlier message of the same divergence that this receiver never got.

    Parameters
    ----------
    endpoint_sequence
        Its number among the messages for this subscription.
    outcome
        How it ended: ``expired``, ``superseded`` or ``rejected``.
    """

    endpoint_sequence: int
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingDelivery:
    """A delivery that has not ended.

    Parameters
    ----------
    sequence
        Number of the event among its pair's.
    endpoint_sequence
        Number of the message among those of its subscription, from 1 without gaps; 0 where none is counted.
    message_id
        The ``webhook-id`` or the ``Message-ID``.
    attempts
        Attempts that have begun.
    unknown_attempts
        Those of them that may have delivered.
    last_reason
        Why the last attempt did not deliver; empty before the first.
    next_attempt_at_ns, expires_at_ns, received_at_ns, published_at_ns
        Wall time; the last two are the event's.
    replaces
        Earlier messages of the divergence that the receiver never got, oldest first.
    has_begun
        It was stored as being sent: the caller makes its first attempt at once.
    is_interrupted
        Its last attempt had begun when the notifier that made it ended: nobody knows whether it arrived.
    """

    delivery_id: str
    event_id: str
    subscription: str
    channel: Channel
    receiver_id: str
    divergence_id: str
    sequence: int
    message_id: str
    attempts: int
    last_reason: str
    next_attempt_at_ns: int
    expires_at_ns: int
    pair: str = ""
    endpoint_sequence: int = 0
    unknown_attempts: int = 0
    received_at_ns: int = 0
    published_at_ns: int = 0
    replaces: tuple[Replaced, ...] = ()
    has_begun: bool = False
    is_interrupted: bool = False

    @property
    def lane(self) -> Lane:
        """Return the lane it belongs to: subscription and divergence."""
        return (self.subscription, self.divergence_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """How many deliveries of a channel are pending, and when the oldest event among them was received.

    Parameters
    ----------
    oldest_received_at_ns
        Wall time.
    """

    channel: Channel
    count: int
    oldest_received_at_ns: int

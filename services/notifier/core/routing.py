"""Which subscriptions get an event and until when; for every other subscription, why it does not.

A subscription that was notified of a divergence gets every later event of it, whatever its severity: whoever
was alerted must also learn that it is over.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from services.notifier.core.message_ids import delivery_id_of, mail_message_id, receiver_id_of
from shared.domain.deliveries import Channel
from shared.domain.divergences import DivergenceEvent, Severity, Transition
from shared.domain.instants import parse_rfc3339

_RANK = {Severity.WARNING: 0, Severity.CRITICAL: 1}


class TimeBase(StrEnum):
    """How event time relates to wall time.

    ``live``: they are the same. ``replay``: the events are from another time; each expires as long after it
    was first seen as it was valid then.
    """

    LIVE = "live"
    REPLAY = "replay"


class Suppression(StrEnum):
    """Why a subscription does not get an event."""

    DUPLICATE = "duplicate"
    OTHER_PAIR = "other_pair"
    OTHER_KIND = "other_kind"
    BELOW_SEVERITY = "below_severity"
    RECEIVER_GONE = "receiver_gone"
    INSTANT_END = "instant_end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """Which events a receiver wants, and by which channel.

    Parameters
    ----------
    name
        Unique; part of every delivery's identity.
    receiver
        The URL or the mail address.
    pairs, kinds
        What it wants; None means all.
    min_severity
        Less severe events are left out.
    """

    name: str
    channel: Channel
    receiver: str
    pairs: frozenset[str] | None = None
    kinds: frozenset[str] | None = None
    min_severity: Severity = Severity.WARNING

    @property
    def receiver_id(self) -> str:
        """Return the receiver's id, which does not reveal its URL or address."""
        return receiver_id_of(channel=self.channel, receiver=self.receiver)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedDelivery:
    """One message to one receiver, before its first attempt.

    Parameters
    ----------
    message_id
        The ``webhook-id`` or the ``Message-ID``, the same on every attempt.
    expires_at_ns
        Wall time; no attempt is made from then on.
    """

    delivery_id: str
    event_id: str
    subscription: str
    channel: Channel
    receiver_id: str
    pair: str
    divergence_id: str
    sequence: int
    message_id: str
    expires_at_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppressed:
    """A subscription that does not get the event, and why."""

    subscription: str
    reason: Suppression


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingHistory:
    """The earlier decisions that routing depends on.

    Parameters
    ----------
    notified
        Subscriptions that got an earlier event of this divergence.
    gone
        ``receiver_id`` of every receiver that wants no more messages.
    """

    notified: frozenset[str] = frozenset()
    gone: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryPlan:
    """Where an event goes: every subscription is in exactly one of the two."""

    deliveries: tuple[PlannedDelivery, ...]
    suppressed: tuple[Suppressed, ...]


def plan_deliveries(
    event: DivergenceEvent,
    *,
    subscriptions: Iterable[Subscription],
    history: RoutingHistory,
    first_seen_ns: int,
    time_base: TimeBase,
    mail_domain: str,
) -> DeliveryPlan:
    """Decide which subscriptions get an event.

    Parameters
    ----------
    first_seen_ns
        Wall time when this notifier received the event for the first time.
    mail_domain
        Right side of Message-IDs.

    Raises
    ------
    ValueError
        If the event's instants are not RFC 3339.
    """
    expires_at_ns = deadline_ns(event, first_seen_ns=first_seen_ns, time_base=time_base)
    deliveries: list[PlannedDelivery] = []
    suppressed: list[Suppressed] = []
    for subscription in subscriptions:
        reason = _suppression(event, subscription, history)
        if reason is not None:
            suppressed.append(Suppressed(subscription=subscription.name, reason=reason))
            continue
        deliveries.append(
            PlannedDelivery(
                delivery_id=delivery_id_of(event_id=event.event_id, subscription=subscription.name),
                event_id=event.event_id,
                subscription=subscription.name,
                channel=subscription.channel,
                receiver_id=subscription.receiver_id,
                pair=event.pair,
                divergence_id=event.divergence_id,
                sequence=event.sequence,
                message_id=_message_id(event, subscription, mail_domain),
                expires_at_ns=expires_at_ns,
            )
        )
    return DeliveryPlan(deliveries=tuple(deliveries), suppressed=tuple(suppressed))


def deadline_ns(event: DivergenceEvent, *, first_seen_ns: int, time_base: TimeBase) -> int:
    """Return the wall-clock instant from which on no attempt is made.

    An old alert must never arrive as if it were a new one.

    Parameters
    ----------
    first_seen_ns
        Wall time when this notifier received the event for the first time.

    Raises
    ------
    ValueError
        If ``occurred_at`` or ``not_after`` is no RFC 3339 instant.
    """
    not_after_ns = parse_rfc3339(event.not_after)
    if time_base is TimeBase.LIVE:
        return not_after_ns
    return first_seen_ns + not_after_ns - parse_rfc3339(event.occurred_at)


def _suppression(
    event: DivergenceEvent, subscription: Subscription, history: RoutingHistory
) -> Suppression | None:
    if subscription.receiver_id in history.gone:
        return Suppression.RECEIVER_GONE
    if subscription.pairs is not None and event.pair not in subscription.pairs:
        return Suppression.OTHER_PAIR
    if event.type is Transition.TEST:
        # A test checks that messages arrive: filters by kind and severity do not apply to it.
        return None
    if subscription.kinds is not None and event.kind not in subscription.kinds:
        return Suppression.OTHER_KIND
    if _RANK[event.severity] < _RANK[subscription.min_severity] and subscription.name not in history.notified:
        return Suppression.BELOW_SEVERITY
    if subscription.channel is Channel.EMAIL and event.type is Transition.CLOSED and event.is_instant:
        # The mail of the opening contains everything; a program expects an end for every opening.
        return Suppression.INSTANT_END
    return None


def _message_id(event: DivergenceEvent, subscription: Subscription, mail_domain: str) -> str:
    if subscription.channel is Channel.WEBHOOK:
        return event.event_id
    return mail_message_id(event_id=event.event_id, recipient=subscription.receiver, domain=mail_domain)

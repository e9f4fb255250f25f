"""Who is told about an event, and for everyone who is not: why.

A subscription that was told of a divergence is told the rest of it: whoever heard the alarm hears the end
of it, whatever its severity by then.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from services.notifier.core.expiry import TimeBase, deadline_ns
from services.notifier.core.instant import is_instant
from services.notifier.core.message_ids import delivery_id_of, mail_message_id, receiver_id_of
from shared.domain.deliveries import Channel
from shared.domain.divergences import DivergenceEvent, Severity, Transition

_RANK = {Severity.WARNING: 0, Severity.CRITICAL: 1}


class Suppression(StrEnum):
    """Why a subscription is not told."""

    DUPLICATE = "duplicate"
    OTHER_PAIR = "other_pair"
    OTHER_KIND = "other_kind"
    BELOW_SEVERITY = "below_severity"
    RECEIVER_GONE = "receiver_gone"
    INSTANT_END = "instant_end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """Who wants to hear what, by which way.

    Parameters
    ----------
    name
        Unique; part of every delivery's identity.
    receiver
        The URL or the mail address.
    pairs, kinds
        What it is about; None means all.
    min_severity
        The least that starts to matter.
    """

    name: str
    channel: Channel
    receiver: str
    pairs: frozenset[str] | None = None
    kinds: frozenset[str] | None = None
    min_severity: Severity = Severity.WARNING

    @property
    def receiver_id(self) -> str:
        """Return the receiver's identity, which does not show it."""
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
    """A subscription that is not told, and why."""

    subscription: str
    reason: Suppression


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What was decided before, as far as it matters.

    Parameters
    ----------
    told
        Subscriptions that were told about this divergence before.
    gone
        ``receiver_id`` of every receiver that asked for nothing more.
    """

    told: frozenset[str] = frozenset()
    gone: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Every subscription is in exactly one of the two."""

    deliveries: tuple[PlannedDelivery, ...]
    suppressed: tuple[Suppressed, ...]


def make_plan(
    event: DivergenceEvent,
    *,
    subscriptions: Iterable[Subscription],
    past: Past,
    first_seen_ns: int,
    time_base: TimeBase,
    mail_domain: str,
) -> Plan:
    """Decide who is told about an event.

    Parameters
    ----------
    first_seen_ns
        Wall time when this notifier first held the event.
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
        reason = _suppression(event, subscription, past)
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
    return Plan(deliveries=tuple(deliveries), suppressed=tuple(suppressed))


def _suppression(event: DivergenceEvent, subscription: Subscription, past: Past) -> Suppression | None:
    if subscription.receiver_id in past.gone:
        return Suppression.RECEIVER_GONE
    if subscription.pairs is not None and event.pair not in subscription.pairs:
        return Suppression.OTHER_PAIR
    if event.type is Transition.TEST:
        # It asks whether the way works: nothing has happened that could be of a kind or too small.
        return None
    if subscription.kinds is not None and event.kind not in subscription.kinds:
        return Suppression.OTHER_KIND
    if _RANK[event.severity] < _RANK[subscription.min_severity] and subscription.name not in past.told:
        return Suppression.BELOW_SEVERITY
    if subscription.channel is Channel.EMAIL and event.type is Transition.CLOSED and is_instant(event):
        # The mail of the opening has said all of it; a program counts on an end for every beginning.
        return Suppression.INSTANT_END
    return None


def _message_id(event: DivergenceEvent, subscription: Subscription, mail_domain: str) -> str:
    if subscription.channel is Channel.WEBHOOK:
        return event.event_id
    return mail_message_id(event_id=event.event_id, recipient=subscription.receiver, domain=mail_domain)

"""Which subscriptions get an event and until when; for every other subscription, why it does not.

A subscription that was notified of a divergence gets every later event of it, whatever its severity: whoever
was alerted must also learn that it is over. A receiver in several subscriptions gets one message: that of the
subscription which sent it the earlier ones of the divergence, so that they arrive in order.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from services.notifier.core.message_ids import delivery_ids_of, mail_message_ids, receiver_id_of
from services.notifier.core.repeat_interval import LastNotified, is_repeat
from shared.domain.deliveries import Channel
from shared.domain.divergences import DivergenceEvent, Severity, Transition
from shared.domain.instants import parse_rfc3339


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
    OTHER_TYPE = "other_type"
    BELOW_SEVERITY = "below_severity"
    RECEIVER_GONE = "receiver_gone"
    INSTANT_END = "instant_end"
    REPEAT_INTERVAL = "repeat_interval"
    SAME_RECEIVER = "same_receiver"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """Which events a receiver wants, and by which channel.

    Parameters
    ----------
    name
        Unique; part of every delivery's identity.
    receiver
        The URL or the mail address; not shown, as a URL may contain a token.
    pairs, kinds, types
        What it wants; None means all.
    min_severity
        Less severe events are left out.
    repeat_interval_ns
        Event time in which a second divergence with the same fingerprint is left out; 0 leaves out none.
    variant
        What makes messages to one URL go to different receivers behind it, such as a body template and its
        values; nothing secret. Empty for a receiver that is its URL.
    dedupe_key
        Equal for subscriptions that would send one receiver the same message. May depend on secrets, so it is
        neither stored nor shown. The receiver's id when not given.
    receiver_id
        The receiver's id, which does not reveal its URL or address.
    """

    name: str
    channel: Channel
    receiver: str = field(repr=False)
    pairs: frozenset[str] | None = None
    kinds: frozenset[str] | None = None
    types: frozenset[str] | None = None
    min_severity: Severity = Severity.WARNING
    repeat_interval_ns: int = 0
    variant: tuple[str, ...] = ()
    dedupe_key: str = field(default="", repr=False)
    receiver_id: str = field(init=False)

    def __post_init__(self) -> None:
        # Constant, and needed for each of ten thousand subscriptions at each event: computed here, once.
        receiver = self.receiver.casefold() if self.channel is Channel.EMAIL else self.receiver
        receiver_id = receiver_id_of(channel=self.channel, receiver=receiver, variant=self.variant)
        object.__setattr__(self, "receiver_id", receiver_id)
        object.__setattr__(self, "dedupe_key", self.dedupe_key or receiver_id)


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
    channel: Channel
    reason: Suppression


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingHistory:
    """The earlier decisions that routing depends on.

    Parameters
    ----------
    notified
        Subscriptions that have a delivery of an earlier event of this divergence, in whatever state.
    gone
        ``receiver_id`` of every receiver that wants no more messages.
    last_notified
        By ``receiver_id``, for at least those in `receivers_with_interval`: the newest event with the same
        fingerprint of which that receiver has a delivery, through any subscription and of any divergence.
        Newest is the one that was received last (``received_at_ns``, then ``sequence``), not the one with
        the latest event time. Deliveries that ended ``rejected``, ``gone`` or ``expired`` do not count:
        they notified nobody. Those that are pending or being sent count, and those that ended ``delivered``,
        ``unknown`` or ``superseded``. A receiver without such a delivery is left out.
    """

    notified: frozenset[str] = frozenset()
    gone: frozenset[str] = frozenset()
    last_notified: Mapping[str, LastNotified] = field(default_factory=dict)


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
    rules = _EventRules(event, history)
    decided: list[tuple[Subscription, Suppression | None]] = []
    chosen: dict[str, str] = {}
    for subscription in subscriptions:
        reason = rules.suppression(subscription)
        decided.append((subscription, reason))
        if reason is None:
            key, name = subscription.dedupe_key, subscription.name
            if key not in chosen or (name in history.notified and chosen[key] not in history.notified):
                chosen[key] = name
    delivery_id_of = delivery_ids_of(event_id=event.event_id)
    mail_id_of = mail_message_ids(event_id=event.event_id, domain=mail_domain)
    deliveries: list[PlannedDelivery] = []
    suppressed: list[Suppressed] = []
    for subscription, reason in decided:
        name = subscription.name
        if reason is None and chosen[subscription.dedupe_key] != name:
            reason = Suppression.SAME_RECEIVER
        if reason is not None:
            suppressed.append(Suppressed(subscription=name, channel=subscription.channel, reason=reason))
            continue
        deliveries.append(
            PlannedDelivery(
                delivery_id=delivery_id_of(name),
                event_id=event.event_id,
                subscription=name,
                channel=subscription.channel,
                receiver_id=subscription.receiver_id,
                pair=event.pair,
                divergence_id=event.divergence_id,
                sequence=event.sequence,
                message_id=(
                    event.event_id
                    if subscription.channel is Channel.WEBHOOK
                    else mail_id_of(subscription.receiver)
                ),
                expires_at_ns=expires_at_ns,
            )
        )
    return DeliveryPlan(deliveries=tuple(deliveries), suppressed=tuple(suppressed))


def receivers_with_interval(subscriptions: Iterable[Subscription]) -> frozenset[str]:
    """Return the ``receiver_id`` of every receiver whose ``last_notified`` can change a decision."""
    return frozenset(each.receiver_id for each in subscriptions if each.repeat_interval_ns > 0)


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


class _EventRules:
    """The rules of suppression for one event; what depends on the event alone is computed once."""

    def __init__(self, event: DivergenceEvent, history: RoutingHistory) -> None:
        self._event = event
        self._history = history
        self._is_test = event.type is Transition.TEST
        self._is_instant_end = event.type is Transition.CLOSED and event.is_instant
        self._occurred_at_ns = parse_rfc3339(event.occurred_at)

    def suppression(self, subscription: Subscription) -> Suppression | None:
        event, history = self._event, self._history
        if subscription.receiver_id in history.gone:
            return Suppression.RECEIVER_GONE
        if subscription.pairs is not None and event.pair not in subscription.pairs:
            return Suppression.OTHER_PAIR
        if subscription.types is not None and event.type not in subscription.types:
            # Tests, too: a receiver that acts on what it gets may have to be kept from them.
            return Suppression.OTHER_TYPE
        if self._is_test:
            # A test checks that messages arrive: the other filters do not apply to it.
            return None
        if subscription.kinds is not None and event.kind not in subscription.kinds:
            return Suppression.OTHER_KIND
        is_notified = subscription.name in history.notified
        if not is_notified and _is_below(event.severity, subscription.min_severity):
            return Suppression.BELOW_SEVERITY
        if self._is_instant_end and subscription.channel is Channel.EMAIL:
            # The mail of the opening contains everything; a program expects an end for every opening.
            return Suppression.INSTANT_END
        if not is_notified and is_repeat(
            event.type,
            event.severity,
            occurred_at_ns=self._occurred_at_ns,
            last=history.last_notified.get(subscription.receiver_id),
            interval_ns=subscription.repeat_interval_ns,
        ):
            return Suppression.REPEAT_INTERVAL
        return None


def _is_below(severity: Severity, least: Severity) -> bool:
    return least is Severity.CRITICAL and severity is Severity.WARNING

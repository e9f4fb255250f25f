"""What the owner of a subscription learns by e-mail about its receiver.

=========== ================================================== ==========================================
condition   when                                               the instant that tells it from others
=========== ================================================== ==========================================
PAUSED      it has failed for some minutes                     of its first failure in a row
RECOVERED   it works again, and its owner knew that it failed  of that first failure
GONE        it wants no more messages                          when it said so
=========== ================================================== ==========================================

A notice goes through the store like an event, as a message of a subscription of its own, ``owner:NAME``. Its
id is derived from the receiver, the condition and that instant, so there is at most one of each change, also
after a crash. The notices about one receiver are one lane: "works again" replaces a "has failed" that could
not be sent.
"""

import json
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any, Final

from services.notifier.core.message_ids import delivery_id_of, mail_message_id, receiver_id_of
from services.notifier.core.routing import (
    DeliveryPlan,
    PlannedDelivery,
    RoutingHistory,
    Suppressed,
    Suppression,
)
from shared.domain.deliveries import Channel
from shared.domain.identity import stable_hash
from shared.domain.instants import NS_PER_SECOND

OWNER: Final = "owner:"
_DAY_NS: Final = 86_400 * NS_PER_SECOND
# The column for a subscription's name is as wide as the longest name that a subscription may have.
_LONGEST_NAME: Final = 64


class ReceiverCondition(StrEnum):
    """What has changed about a receiver."""

    PAUSED = "paused"
    RECOVERED = "recovered"
    GONE = "gone"


# An owner who reads of a failure a day later has read of its end before. "Gone" stays true until they act.
_VALID_NS: Final = {
    ReceiverCondition.PAUSED: _DAY_NS,
    ReceiverCondition.RECOVERED: _DAY_NS,
    ReceiverCondition.GONE: 7 * _DAY_NS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One change of one receiver.

    Parameters
    ----------
    subscription, channel, receiver_id
        The receiver's.
    since_ns
        The instant of the table above, wall time. It must be the same after a restart, so it is the stored
        one: ``failing_since_ns`` or ``gone_at_ns`` of the receiver.
    at_ns
        When the change was noticed; wall time.
    reason
        Why the last attempt failed, or why it is gone; a `FailureReason`. Empty where unknown.
    waiting
        How many messages wait for it; for GONE, how many ended by it.
    """

    condition: ReceiverCondition
    subscription: str
    channel: Channel
    receiver_id: str
    since_ns: int
    at_ns: int
    reason: str = ""
    waiting: int = 0

    @property
    def notice_id(self) -> str:
        """Return the id, equal for equal changes; it takes the place of an event's."""
        parts = (self.subscription, self.receiver_id, self.condition.value, str(self.since_ns))
        return "nt_" + stable_hash("notice", *parts)

    @property
    def thread_id(self) -> str:
        """Return the id that all notices about this receiver share; it takes the place of a divergence's."""
        return "nt_" + stable_hash("notices", self.subscription, self.receiver_id)

    def to_value(self) -> bytes:
        """Return the bytes that are stored.

        Examples
        --------
        >>> notice = Notice(
        ...     condition=ReceiverCondition.GONE, subscription="desk", channel=Channel.WEBHOOK,
        ...     receiver_id="rc_1", since_ns=1, at_ns=1, reason="gone")
        >>> notice_of(notice.to_value()) == notice
        True
        """
        fields = {"schema": "notices", "v": 1, **asdict(self)}
        return json.dumps(fields, separators=(",", ":")).encode()


def notice_of(value: bytes) -> Notice:
    """Return the notice that was stored as these bytes.

    Raises
    ------
    ValueError
        If they are no notice of this version.
    """
    fields: Any = json.loads(value)
    if not isinstance(fields, dict) or (fields.pop("schema", None), fields.pop("v", None)) != ("notices", 1):
        raise ValueError("expected a notice of version 1")
    try:
        fields["condition"] = ReceiverCondition(fields["condition"])
        fields["channel"] = Channel(fields["channel"])
        return Notice(**fields)
    except (KeyError, TypeError) as error:
        raise ValueError(f"a notice must have exactly its own fields: {error}") from error


def owner_subscription(subscription: str) -> str:
    """Return the name under which the notices about a subscription's receiver are stored.

    No subscription of the file can have it: their names have no colon.

    Examples
    --------
    >>> owner_subscription("desk")
    'owner:desk'
    >>> len(owner_subscription("d" * 64))
    64
    """
    name = OWNER + subscription
    if len(name) <= _LONGEST_NAME:
        return name
    digest = stable_hash("owner", subscription)[:16]
    return f"{name[: _LONGEST_NAME - 1 - len(digest)]}.{digest}"


def is_about_owner(subscription: str) -> bool:
    """Return whether a subscription is one of notices: a failure of its receiver makes no further notice."""
    return subscription.startswith(OWNER)


def plan_notice(notice: Notice, *, address: str, history: RoutingHistory, mail_domain: str) -> DeliveryPlan:
    """Return the one mail that a notice becomes; none if the owner's address takes no mail any more."""
    subscription = owner_subscription(notice.subscription)
    receiver_id = receiver_id_of(channel=Channel.EMAIL, receiver=address.casefold())
    if receiver_id in history.gone:
        gone = Suppressed(subscription=subscription, channel=Channel.EMAIL, reason=Suppression.RECEIVER_GONE)
        return DeliveryPlan(deliveries=(), suppressed=(gone,))
    delivery = PlannedDelivery(
        delivery_id=delivery_id_of(event_id=notice.notice_id, subscription=subscription),
        event_id=notice.notice_id,
        subscription=subscription,
        channel=Channel.EMAIL,
        receiver_id=receiver_id,
        pair="",
        divergence_id=notice.thread_id,
        # In order of time within the lane.
        sequence=notice.at_ns,
        message_id=mail_message_id(event_id=notice.notice_id, recipient=address, domain=mail_domain),
        expires_at_ns=notice.at_ns + _VALID_NS[notice.condition],
    )
    return DeliveryPlan(deliveries=(delivery,), suppressed=())


def notice_references(notice: Notice, *, recipient: str, domain: str) -> tuple[str, ...]:
    """Return the Message-IDs that a notice's mail refers to: "works again" answers "has failed"."""
    if notice.condition is not ReceiverCondition.RECOVERED:
        return ()
    failed = replace(notice, condition=ReceiverCondition.PAUSED)
    return (mail_message_id(event_id=failed.notice_id, recipient=recipient, domain=domain),)

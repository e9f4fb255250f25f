"""Ids of deliveries, receivers and e-mails; they are derived, so that a retry or a replay repeats them.

Everyone who sees a mail's headers can read its Message-ID, so it must not reveal the recipient's address.
"""

from collections.abc import Callable, Sequence

from shared.domain.divergences import DivergenceEvent, Transition
from shared.domain.identity import event_id_of, stable_hash, stable_hash_after


def delivery_id_of(*, event_id: str, subscription: str) -> str:
    """Return the id of the delivery of one event to one subscription.

    Examples
    --------
    >>> delivery_id_of(event_id="ev_1", subscription="desk") == delivery_id_of(
    ...     event_id="ev_1", subscription="desk")
    True
    """
    return delivery_ids_of(event_id=event_id)(subscription)


def delivery_ids_of(*, event_id: str) -> Callable[[str], str]:
    """Return the function of a subscription that gives the id of the event's delivery to it."""
    hash_with = stable_hash_after("delivery", event_id)
    return lambda subscription: "dl_" + hash_with(subscription)


def receiver_id_of(*, channel: str, receiver: str, variant: Sequence[str] = ()) -> str:
    """Return the id of a receiver, which does not reveal its URL or address.

    Parameters
    ----------
    receiver
        The URL or the mail address.
    variant
        What distinguishes receivers behind one URL; empty where the URL is the receiver.
    """
    return "rc_" + stable_hash("receiver", channel, receiver, *variant)


def mail_message_id(*, event_id: str, recipient: str, domain: str) -> str:
    """Return the Message-ID of an event's mail to a recipient.

    Examples
    --------
    >>> mail_message_id(event_id="ev_1", recipient="ann@example.com", domain="convex.example")[33:]
    '@convex.example>'
    """
    return mail_message_ids(event_id=event_id, domain=domain)(recipient)


def mail_message_ids(*, event_id: str, domain: str) -> Callable[[str], str]:
    """Return the function of a recipient that gives the Message-ID of the event's mail to them."""
    hash_with = stable_hash_after("message", event_id)
    # The domain part of an address is case-insensitive, and in practice so is the rest.
    return lambda recipient: f"<{hash_with(recipient.casefold())}@{domain}>"


def thread_references(event: DivergenceEvent, *, recipient: str, domain: str) -> tuple[str, ...]:
    """Return the Message-IDs that this event's mail refers to: that of the opening of the same divergence.

    Returns
    -------
    tuple of str
        Empty for the opening itself and for a test, which opens nothing. The opening's id is derived, so
        it is known even if the opening was never sent to this recipient; the later mails of the divergence
        then still form one thread.
    """
    opening = event_id_of(divergence_id=event.divergence_id, transition=Transition.OPEN.value, occurrence=1)
    if event.event_id == opening or event.type is Transition.TEST:
        return ()
    return (mail_message_id(event_id=opening, recipient=recipient, domain=domain),)

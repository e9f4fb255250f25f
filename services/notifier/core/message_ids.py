"""Ids of deliveries, receivers and e-mails; they are derived, so that a retry or a replay repeats them.

Everyone who sees a mail's headers can read its Message-ID, so it must not reveal the recipient's address.
"""

from shared.domain.divergences import DivergenceEvent, Transition
from shared.domain.identity import event_id_of, stable_hash


def delivery_id_of(*, event_id: str, subscription: str) -> str:
    """Return the id of the delivery of one event to one subscription.

    Examples
    --------
    >>> delivery_id_of(event_id="ev_1", subscription="desk") == delivery_id_of(
    ...     event_id="ev_1", subscription="desk")
    True
    """
    return "dl_" + stable_hash("delivery", event_id, subscription)


def receiver_id_of(*, channel: str, receiver: str) -> str:
    """Return the id of a URL or a mail address, which does not reveal it."""
    return "rc_" + stable_hash("receiver", channel, receiver)


def mail_message_id(*, event_id: str, recipient: str, domain: str) -> str:
    """Return the Message-ID of an event's mail to a recipient.

    Examples
    --------
    >>> mail_message_id(event_id="ev_1", recipient="ann@example.com", domain="convex.example")[33:]
    '@convex.example>'
    """
    # The domain part of an address is case-insensitive, and in practice so is the rest.
    return f"<{stable_hash('message', event_id, recipient.casefold())}@{domain}>"


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

"""Who gets the notices about the receiver of each subscription, and how they know it."""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from services.notifier.core.routing import Subscription
from shared.domain.deliveries import Channel


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Who gets the notices about one receiver.

    Parameters
    ----------
    address
        Their mail address.
    receiver
        The mail address of the receiver, or the scheme and the host of its URL: the rest may be secret.
    """

    address: str
    receiver: str


def owners_of(
    subscriptions: Iterable[tuple[Subscription, str | None]], *, operator_address: str | None
) -> dict[str, Owner]:
    """Return the owner of each subscription that has one, by the subscription's name.

    Parameters
    ----------
    subscriptions
        Each with the address that its own table names as the owner.
    operator_address
        Who owns the others; None: nobody.

    Examples
    --------
    >>> desk = Subscription(
    ...     name="desk", channel=Channel.WEBHOOK, receiver="https://desk.example:8443/hook?key=secret")
    >>> owners_of([(desk, None)], operator_address="ops@example.com")["desk"].receiver
    'https://desk.example:8443'

    No notice goes to an address whose own failure it would be about:

    >>> ann = Subscription(name="ann", channel=Channel.EMAIL, receiver="Ann@example.com")
    >>> owners_of([(ann, "ann@example.com")], operator_address=None)
    {}
    """
    owners: dict[str, Owner] = {}
    for subscription, own in subscriptions:
        for address in (own, operator_address):
            if address is not None and address.casefold() != subscription.receiver.casefold():
                owners[subscription.name] = Owner(address=address, receiver=_known_as(subscription))
                break
    return owners


def _known_as(subscription: Subscription) -> str:
    if subscription.channel is Channel.EMAIL:
        return subscription.receiver
    url = urlsplit(subscription.receiver)
    return f"{url.scheme}://{url.netloc.rpartition('@')[2]}"

"""A subscription together with everything that is needed to send to it."""

import ssl
from dataclasses import dataclass, field

from services.notifier.core.routing import Subscription
from services.notifier.core.signing import SigningKey
from services.notifier.webhook_bodies.body_template import BodyTemplate


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookTarget:
    """A subscription by webhook.

    Parameters
    ----------
    keys
        One signature for each.
    headers
        Names and values that the operator adds.
    body_template
        Makes the body of each message from its event; None where the event itself is sent.
    tls
        TLS settings with a client certificate; None where the receiver asks for none.
    events_tokens
        Bearer tokens with which the receiver may ask for this subscription's events; empty if it may not.
    owner
        Mail address of who is alerted when the receiver is paused or gone.
    """

    subscription: Subscription
    keys: tuple[SigningKey, ...] = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body_template: BodyTemplate | None = None
    tls: ssl.SSLContext | None = field(default=None, repr=False)
    events_tokens: tuple[str, ...] = field(default=(), repr=False)
    owner: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailTarget:
    """A subscription by e-mail.

    Parameters
    ----------
    owner
        Mail address of who is alerted when the receiver refuses its mails.
    """

    subscription: Subscription
    owner: str | None = None


Target = WebhookTarget | EmailTarget

"""A subscription together with everything that is needed to send to it."""

import ssl
from dataclasses import dataclass, field

from yarl import URL

from services.notifier.core.routing import Subscription


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookTarget:
    """A subscription by webhook.

    Parameters
    ----------
    url
        Where it is sent; escaped already.
    keys
        HMAC keys that sign its messages; empty if it is signed by ed25519 alone.
    signing_keys
        Seeds of ed25519 keys that sign its messages; empty if it is signed by HMAC alone.
    headers
        Names and values that the operator adds.
    ssl_context
        TLS settings with a client certificate; None where the receiver asks for none.
    events_tokens
        Bearer tokens with which the receiver may ask for this subscription's events; empty if it may not.
    owner
        Mail address of who is alerted when the receiver is paused or gone.
    """

    subscription: Subscription
    url: URL = field(repr=False)
    keys: tuple[bytes, ...] = field(repr=False)
    signing_keys: tuple[bytes, ...] = field(default=(), repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    ssl_context: ssl.SSLContext | None = field(default=None, repr=False)
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

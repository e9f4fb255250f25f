"""Sign webhooks as Standard Webhooks v1 specifies: HMAC-SHA256 over ``id.timestamp.body``."""

import base64
import binascii
import hmac
from collections.abc import Iterable
from typing import Final

_PREFIX: Final = "whsec_"
# The specification's bounds for a symmetric secret.
_MIN_BYTES: Final = 24
_MAX_BYTES: Final = 64


def parse_secret(text: str) -> bytes:
    """Return the key of a ``whsec_`` secret.

    Raises
    ------
    ValueError
        If it is not ``whsec_`` and base64 of 24 to 64 bytes; the message does not show the secret.

    Examples
    --------
    >>> parse_secret("whsec_" + base64.b64encode(bytes(24)).decode()) == bytes(24)
    True
    """
    if not text.startswith(_PREFIX):
        raise ValueError(f"a webhook secret begins with {_PREFIX}")
    try:
        key = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        raise ValueError(f"a webhook secret is {_PREFIX} and base64, this is not base64") from None
    if not _MIN_BYTES <= len(key) <= _MAX_BYTES:
        raise ValueError(f"a webhook secret has {_MIN_BYTES} to {_MAX_BYTES} bytes, was {len(key)}")
    return key


def webhook_signature(body: bytes, *, message_id: str, timestamp_seconds: int, keys: Iterable[bytes]) -> str:
    """Return the value of ``webhook-signature``.

    Parameters
    ----------
    body
        The exact bytes that are sent.
    timestamp_seconds
        Whole seconds since the Unix epoch, as sent in ``webhook-timestamp``.
    keys
        One signature for each, joined by spaces: while a secret rotates, the old and the new both verify.

    References
    ----------
    Standard Webhooks 1.0.0, "Signature scheme".

    Examples
    --------
    >>> webhook_signature(b"{}", message_id="ev_1", timestamp_seconds=1, keys=[bytes(24)])[:3]
    'v1,'
    """
    signed = f"{message_id}.{timestamp_seconds}.".encode() + body
    return " ".join(
        "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode("ascii") for key in keys
    )

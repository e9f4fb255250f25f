"""Sign webhooks as Standard Webhooks v1 specifies, over ``id.timestamp.body``.

========= ================================ ===================================================
signature key, as its text                 who can verify
========= ================================ ===================================================
``v1,``   ``whsec_``, 24 to 64 bytes       who holds the same secret (HMAC-SHA256)
``v1a,``  ``whsk_``, a seed of 32 bytes    everyone who has the public key ``whpk_`` (ed25519)
========= ================================ ===================================================
"""

import base64
import hmac
from collections.abc import Iterable
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_HMAC_PREFIX: Final = "whsec_"
_PRIVATE_PREFIX: Final = "whsk_"
_PUBLIC_PREFIX: Final = "whpk_"
# The specification's bounds for a symmetric secret.
_MIN_BYTES: Final = 24
_MAX_BYTES: Final = 64
_SEED_BYTES: Final = 32


class Ed25519Key:
    """A key that signs; receivers verify with its public half.

    Parameters
    ----------
    seed
        The private key: 32 bytes.
    """

    __slots__ = ("_private",)

    def __init__(self, seed: bytes) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(seed)

    def sign(self, content: bytes) -> bytes:
        """Return the 64 bytes of the signature."""
        return self._private.sign(content)

    @property
    def public_key(self) -> str:
        """Return what the receiver verifies with, as ``whpk_`` and base64."""
        return _PUBLIC_PREFIX + base64.b64encode(self._private.public_key().public_bytes_raw()).decode(
            "ascii"
        )


# Bytes are the secret of an HMAC.
SigningKey = bytes | Ed25519Key


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
    key = _decoded(text, prefix=_HMAC_PREFIX, what="a webhook secret")
    if not _MIN_BYTES <= len(key) <= _MAX_BYTES:
        raise ValueError(f"a webhook secret has {_MIN_BYTES} to {_MAX_BYTES} bytes, was {len(key)}")
    return key


def parse_ed25519_key(text: str) -> Ed25519Key:
    """Return the key of a ``whsk_`` text.

    Raises
    ------
    ValueError
        If it is not ``whsk_`` and base64 of 32 bytes; the message does not show the key.

    Examples
    --------
    >>> parse_ed25519_key("whsk_" + base64.b64encode(bytes(32)).decode()).public_key
    'whpk_O2onvM62pC1io6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ik='
    """
    seed = _decoded(text, prefix=_PRIVATE_PREFIX, what="a webhook signing key")
    if len(seed) != _SEED_BYTES:
        raise ValueError(f"a webhook signing key has {_SEED_BYTES} bytes, was {len(seed)}")
    return Ed25519Key(seed)


def webhook_signature(
    body: bytes, *, message_id: str, timestamp_seconds: int, keys: Iterable[SigningKey]
) -> str:
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
    return " ".join(_signature(key, signed) for key in keys)


def _signature(key: SigningKey, signed: bytes) -> str:
    if isinstance(key, Ed25519Key):
        return "v1a," + base64.b64encode(key.sign(signed)).decode("ascii")
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode("ascii")


def _decoded(text: str, *, prefix: str, what: str) -> bytes:
    if not text.startswith(prefix):
        raise ValueError(f"{what} begins with {prefix}")
    try:
        return base64.b64decode(text.removeprefix(prefix), validate=True)
    except ValueError:
        raise ValueError(f"{what} is {prefix} and base64, this is not base64") from None

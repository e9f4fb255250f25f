"""The private key that signs proofs. A receiver that has its public key knows who published a proof."""

import hashlib
import stat
from base64 import b64encode
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from shared.errors import ConfigError

_VARIABLE: Final = "CONVEX_SIGNALS_PROOF_KEY_FILE"
_MAKE_ONE: Final = "make one with: openssl genpkey -algorithm ed25519 -out FILE"
_KEY_ID_DIGITS: Final = 16


class ProofKey:
    """An ed25519 key.

    Attributes
    ----------
    key_id
        The first 16 hexadecimal digits of the SHA-256 of the public key in DER.
    """

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.key_id = hashlib.sha256(public).hexdigest()[:_KEY_ID_DIGITS]

    def sign(self, text: bytes) -> str:
        """Return the signature of a text as base64; the same text always has the same one."""
        return b64encode(self._key.sign(text)).decode()


def load_proof_key(path: Path | None) -> ProofKey | None:
    """Return the key of a PEM file; None without a file.

    Raises
    ------
    ConfigError
        If the file cannot be read, every user of the machine can read it, or it has no ed25519 private key
        without a password. The message names the variable and the file, never its content.
    """
    if path is None:
        return None
    where = f"{_VARIABLE}: {path}"
    if not path.name.isprintable() or "-----BEGIN" in str(path):
        # The key was pasted in place of a name, and must not be shown.
        raise ConfigError(f"{_VARIABLE}: must be the name of a PEM file, not its content")
    try:
        mode = path.stat().st_mode
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{where}: cannot be read ({error.strerror})") from None
    if mode & stat.S_IRWXO:
        raise ConfigError(f"{where}: every user of the machine can read or change it; run: chmod o= {path}")
    try:
        key = load_pem_private_key(content, password=None)
    except TypeError:
        raise ConfigError(
            f"{where}: the key is encrypted; decrypt it, for example with: openssl pkey -in KEY -out KEY"
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise ConfigError(f"{where}: must be a private key in PEM; {_MAKE_ONE}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError(f"{where}: must be an ed25519 key, was another kind; {_MAKE_ONE}")
    return ProofKey(key)

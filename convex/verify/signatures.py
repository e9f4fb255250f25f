"""Check the signatures of proofs with a public key that was published before."""

import base64
import binascii
import hashlib
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from shared.domain.proofs import DayProof, root_of, signed_text
from shared.errors import ConfigError


class PublicKey:
    """An ed25519 public key.

    Parameters
    ----------
    key
        The library's.

    Attributes
    ----------
    key_id
        The first 16 hexadecimal digits of the SHA-256 of its DER (SubjectPublicKeyInfo).
    """

    def __init__(self, key: Ed25519PublicKey) -> None:
        self._key = key
        der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.key_id = hashlib.sha256(der).hexdigest()[:16]

    def has_signed(self, proof: DayProof) -> bool:
        """Return whether the proof's signature is this key's, of the root that its content has."""
        if proof.signature is None:
            return False
        try:
            self._key.verify(base64.b64decode(proof.signature, validate=True), signed_text(root_of(proof)))
        except (InvalidSignature, binascii.Error, ValueError):
            return False
        return True


def read_public_key(path: Path) -> PublicKey:
    """Return the key in a PEM file.

    Raises
    ------
    ConfigError
        If the file cannot be read or holds no ed25519 public key.
    """
    try:
        loaded = load_pem_public_key(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ConfigError(
            f"{path}: holds no public key in PEM; make it with: openssl pkey -in private.pem -pubout"
        ) from error
    if not isinstance(loaded, Ed25519PublicKey):
        raise ConfigError(f"{path}: holds a key of another kind; proofs are signed with ed25519")
    return PublicKey(loaded)

"""Load the certificate by which the notifier identifies itself to a receiver's server (mutual TLS)."""

import re
import ssl
from pathlib import Path
from typing import Final

_MAX_NAME: Final = 100
_FILE_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,90}\.[A-Za-z0-9]{1,10}")


def load_client_certificate(certificate: Path, key: Path | None, *, ca_file: Path | None) -> ssl.SSLContext:
    """Return the TLS settings of a client with a certificate.

    Parameters
    ----------
    certificate
        PEM file of the certificate and those between it and the root.
    key
        PEM file of its private key; when None, the key is in the file of the certificate.
    ca_file
        CA certificates that the server is checked against; the system's when None.

    Raises
    ------
    ValueError
        If a file cannot be used; the message names the field and the file, never its content.
    """
    where = f"client_key_file: {key}" if key is not None else f"client_cert_file: {certificate}"
    for field, path in (("client_cert_file", certificate), ("client_key_file", key)):
        if path is not None:
            _check_readable(field, path)
    try:
        context = ssl.create_default_context(cafile=str(ca_file) if ca_file is not None else None)
    except OSError:
        raise ValueError(
            f"client_cert_file: CONVEX_NOTIFIER_WEBHOOK_CA_FILE: {ca_file}: is no file of PEM certificates"
        ) from None
    is_asked_for_password = False

    def no_password() -> str:
        nonlocal is_asked_for_password
        is_asked_for_password = True
        return ""

    try:
        # Without a function for the password, OpenSSL would ask for it on the terminal and wait.
        context.load_cert_chain(certificate, key, password=no_password)
    except (OSError, ValueError) as error:
        if is_asked_for_password:
            problem = "the key is encrypted; decrypt it, for example with: openssl pkey -in KEY -out KEY"
            raise ValueError(f"{where}: {problem}") from None
        if getattr(error, "reason", None) == "KEY_VALUES_MISMATCH":
            raise ValueError(f"{where}: is not the key of client_cert_file: {certificate}") from None
        raise ValueError(
            f"client_cert_file: {certificate}: it and its key must be a PEM certificate and its private key"
        ) from None
    return context


def _check_readable(field: str, path: Path) -> None:
    # A key that was pasted in place of a name has line breaks, and must not be shown.
    if not path.name.isprintable() or len(path.name) > _MAX_NAME:
        raise ValueError(f"{field}: must be the name of a PEM file, not its content")
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        # A name of another form may be a secret, entered by mistake.
        shown = path if _FILE_NAME.fullmatch(path.name) else "the file"
        raise ValueError(f"{field}: {shown}: cannot be read ({error.strerror})") from None

"""Certificates for servers of tests, made by the machine's openssl."""

import shutil
import ssl
import subprocess
from pathlib import Path

import pytest


def certificate_for(name: str, folder: Path) -> tuple[ssl.SSLContext, Path]:
    """Return a server's TLS context for a name, and the file a client must trust; skip without openssl."""
    if shutil.which("openssl") is None:
        pytest.skip("TLS needs a certificate, and openssl is not on this machine to make one")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
            *("-nodes", "-days", "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context, certificate

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from services.notifier.subscriptions.client_certificate import load_client_certificate


def pem_of_key(key: ec.EllipticCurvePrivateKey, password: bytes | None = None) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption(),
    )


def pem_of_certificate(key: ec.EllipticCurvePrivateKey) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "convex")])
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=36_500))
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a certificate, its key in three forms, and another key."""
    key = ec.generate_private_key(ec.SECP256R1())
    (tmp_path / "client.crt").write_bytes(pem_of_certificate(key))
    (tmp_path / "client.key").write_bytes(pem_of_key(key))
    (tmp_path / "both.pem").write_bytes(pem_of_certificate(key) + pem_of_key(key))
    (tmp_path / "encrypted.key").write_bytes(pem_of_key(key, b"sesame"))
    (tmp_path / "encrypted-both.pem").write_bytes(pem_of_certificate(key) + pem_of_key(key, b"sesame"))
    (tmp_path / "other.key").write_bytes(pem_of_key(ec.generate_private_key(ec.SECP256R1())))
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "text").write_bytes(b"hunter2")
    return tmp_path


def test_certificate_and_key_make_a_context_that_checks_the_server(folder: Path) -> None:
    context = load_client_certificate(
        folder / "client.crt", folder / "client.key", ca_file=folder / "client.crt"
    )

    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.cert_store_stats()["x509"] == 1


def test_key_may_be_in_the_file_of_the_certificate(folder: Path) -> None:
    assert load_client_certificate(folder / "both.pem", None, ca_file=None)


@pytest.mark.parametrize(
    ("certificate", "key", "problem"),
    [
        ("none.crt", "client.key", r"^client_cert_file: .*none\.crt: cannot be read \(No such file"),
        ("client.crt", "none.key", r"^client_key_file: .*none\.key: cannot be read \(No such file"),
        (".", "client.key", r"^client_cert_file: .*: cannot be read \(Is a directory"),
        (
            "client.crt",
            "other.key",
            r"^client_key_file: .*other\.key: is not the key of client_cert_file: .*client\.crt",
        ),
        (
            "client.crt",
            "encrypted.key",
            r"^client_key_file: .*encrypted\.key: the key is encrypted; decrypt it",
        ),
        (
            "encrypted-both.pem",
            None,
            r"^client_cert_file: .*encrypted-both\.pem: the key is encrypted; decrypt it",
        ),
        ("client.crt", None, r"^client_cert_file: .*client\.crt: it and its key must be a PEM certificate"),
        ("client.key", "client.crt", r"^client_cert_file: .*client\.key: it and its key must be a PEM"),
        ("empty", "empty", r"^client_cert_file: .*empty: it and its key must be a PEM certificate"),
        ("text", "client.key", r"^client_cert_file: .*text: it and its key must be a PEM certificate"),
    ],
)
def test_file_that_cannot_be_used_is_named(
    folder: Path, certificate: str, key: str | None, problem: str
) -> None:
    """An encrypted key would make OpenSSL ask for its password on the terminal, and the start would wait."""
    with pytest.raises(ValueError, match=problem) as caught:
        load_client_certificate(folder / certificate, folder / key if key else None, ca_file=None)

    assert "hunter2" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_content_in_place_of_a_name_is_not_shown(folder: Path) -> None:
    pem = (folder / "client.key").read_text()

    for certificate, key in ((folder / pem, None), (folder / "client.crt", folder / pem)):
        with pytest.raises(ValueError, match="must be the name of a PEM file, not its content") as caught:
            load_client_certificate(certificate, key, ca_file=None)
        assert "PRIVATE" not in str(caught.value)


def test_unusable_ca_file_names_its_setting(folder: Path) -> None:
    for ca_file in ("none.crt", "text"):
        with pytest.raises(ValueError, match="CONVEX_NOTIFIER_WEBHOOK_CA_FILE"):
            load_client_certificate(folder / "client.crt", folder / "client.key", ca_file=folder / ca_file)

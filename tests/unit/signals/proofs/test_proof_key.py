"""Which files have a key for proofs, and what is said of the others."""

import hashlib
import subprocess
from base64 import b64decode
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from convex.doctor.finding import CheckVerdict
from convex.doctor.local_checks import check_proof_key
from services.signals.config import SignalsSettings
from services.signals.proofs.proof_key import load_proof_key
from shared.domain.proofs import signed_text
from shared.errors import ConfigError

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def pem(key: PrivateKeyTypes = KEY, encryption: KeySerializationEncryption | None = None) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())


def written(folder: Path, content: bytes, mode: int = 0o600) -> Path:
    path = folder / "proofs.pem"
    path.write_bytes(content)
    path.chmod(mode)
    return path


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o440, 0o640])
def test_a_signature_is_verified_with_the_public_key(tmp_path: Path, mode: int) -> None:
    key = load_proof_key(written(tmp_path, pem(), mode))

    assert key is not None
    text = signed_text("a" * 64)
    KEY.public_key().verify(b64decode(key.sign(text)), text)
    assert key.sign(text) == key.sign(text)


def test_the_key_id_is_that_of_the_public_key_as_openssl_writes_it(tmp_path: Path) -> None:
    path = written(tmp_path, pem())
    made = subprocess.run(
        ["openssl", "pkey", "-in", str(path), "-pubout", "-outform", "DER"], capture_output=True, check=True
    )
    assert made.stdout == KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    key = load_proof_key(path)
    assert key is not None
    assert key.key_id == hashlib.sha256(made.stdout).hexdigest()[:16]


def test_without_a_file_there_is_no_key() -> None:
    assert load_proof_key(None) is None
    assert check_proof_key(SignalsSettings()).verdict is CheckVerdict.OK


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (pem(ec.generate_private_key(ec.SECP256R1())), "must be an ed25519 key"),
        (pem(rsa.generate_private_key(65_537, 2_048)), "must be an ed25519 key"),
        (pem(ed448.Ed448PrivateKey.generate()), "must be an ed25519 key"),
        (pem(encryption=BestAvailableEncryption(b"secret")), "the key is encrypted"),
        (
            KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
            "must be a private key in PEM",
        ),
        (pem().replace(b"PRIVATE", b"PRIVAT"), "must be a private key in PEM"),
        (pem()[:60], "must be a private key in PEM"),
        (b"", "must be a private key in PEM"),
        (b"\xff\xfe\x00", "must be a private key in PEM"),
    ],
)
def test_a_file_with_anything_else_is_refused_in_one_line(
    tmp_path: Path, content: bytes, problem: str
) -> None:
    path = written(tmp_path, content)

    with pytest.raises(ConfigError) as refused:
        load_proof_key(path)

    text = str(refused.value)
    assert text.startswith(f"CONVEX_SIGNALS_PROOF_KEY_FILE: {path}: {problem}")
    assert "\n" not in text
    assert "openssl" in text, "the remedy"
    secret = content.decode(errors="replace").splitlines()[1:2]
    assert not any(line in text for line in secret)


@pytest.mark.parametrize("mode", [0o604, 0o644, 0o602, 0o666])
def test_a_key_that_every_user_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = written(tmp_path, pem(), mode)

    with pytest.raises(ConfigError, match=f"every user of the machine.*chmod o= {path}"):
        load_proof_key(path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.pem: cannot be read \(No such file or directory\)"):
        load_proof_key(tmp_path / "none.pem")
    tmp_path.chmod(0o700)
    with pytest.raises(ConfigError, match=r"cannot be read \(Is a directory\)"):
        load_proof_key(tmp_path)


@pytest.mark.parametrize("name", [pem().decode(), pem().decode().replace("\n", "")])
def test_a_key_in_place_of_a_file_name_is_not_shown(name: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load_proof_key(Path(name))

    assert "not its content" in str(refused.value)
    assert name.replace("\n", "")[27:50] not in str(refused.value)


def test_doctor_shows_the_key_id_or_what_is_wrong(tmp_path: Path) -> None:
    path = written(tmp_path, pem())
    key = load_proof_key(path)
    assert key is not None

    fine = check_proof_key(SignalsSettings(proof_key_file=path))
    assert (fine.verdict, fine.detail) == (CheckVerdict.OK, f"key_id {key.key_id}")

    path.chmod(0o644)
    wrong = check_proof_key(SignalsSettings(proof_key_file=path))
    assert wrong.verdict is CheckVerdict.FAIL
    assert "chmod o=" in wrong.detail

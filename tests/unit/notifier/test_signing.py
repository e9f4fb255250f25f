"""Our signatures against the reference libraries and against the specification's own example."""

import base64
from datetime import UTC, datetime

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from svix.webhooks import Webhook as SvixWebhook

from services.notifier.core.signing import (
    SigningKey,
    parse_ed25519_key,
    parse_secret,
    webhook_signature,
)
from tests.support.builders import divergence

OLD = "whsec_" + base64.b64encode(b"the secret of last month, retired").decode()
NEW = "whsec_" + base64.b64encode(b"the secret of this month, current").decode()
PRIVATE = "whsk_" + base64.b64encode(b"the seed of an ed25519 key, 32 b").decode()


def headers_for(body: bytes, *secrets: str) -> dict[str, str]:
    return headers_signed_by(body, *(parse_secret(each) for each in secrets))


def headers_signed_by(body: bytes, *keys: SigningKey) -> dict[str, str]:
    timestamp = int(datetime.now(UTC).timestamp())
    return {
        "webhook-id": "ev_1",
        "webhook-timestamp": str(timestamp),
        "webhook-signature": webhook_signature(
            body,
            message_id="ev_1",
            timestamp_seconds=timestamp,
            keys=keys,
        ),
    }


def test_signature_of_the_specifications_example() -> None:
    """The example of the Standard Webhooks specification, as Svix publishes it with its libraries."""
    signature = webhook_signature(
        b'{"test": 2432232314}',
        message_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp_seconds=1_614_265_330,
        keys=[parse_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")],
    )

    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_reference_library_accepts_it() -> None:
    body = '{"pair":"gold–iwm"}'.encode()

    assert Webhook(NEW).verify(body, headers_for(body, NEW)) == {"pair": "gold–iwm"}


def test_both_secrets_verify_while_one_replaces_the_other() -> None:
    body = b"{}"
    headers = headers_for(body, NEW, OLD)

    Webhook(OLD).verify(body, headers)
    Webhook(NEW).verify(body, headers)


def test_changed_body_or_another_secret_is_refused() -> None:
    headers = headers_for(b"{}", NEW)

    with pytest.raises(WebhookVerificationError):
        Webhook(NEW).verify(b"{ }", headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(OLD).verify(b"{}", headers)


@pytest.mark.parametrize("size", [24, 64])
def test_shortest_and_longest_secret_are_taken(size: int) -> None:
    assert parse_secret("whsec_" + base64.b64encode(bytes(size)).decode()) == bytes(size)


@pytest.mark.parametrize(
    ("secret", "complaint"),
    [
        ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "begins with whsec_"),
        ("whsec_not base64!", "not base64"),
        ("whsec_" + base64.b64encode(bytes(23)).decode(), "24 to 64 bytes, was 23"),
        ("whsec_" + base64.b64encode(bytes(65)).decode(), "24 to 64 bytes, was 65"),
    ],
)
def test_unusable_secret_is_refused_without_being_shown(secret: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint) as caught:
        parse_secret(secret)

    assert secret.removeprefix("whsec_") not in str(caught.value)


def test_event_is_signed_as_its_exact_bytes() -> None:
    body = divergence().event_id.encode()

    assert headers_for(body, NEW)["webhook-signature"] != headers_for(body + b"\n", NEW)["webhook-signature"]


def verify_v1a(headers: dict[str, str], body: bytes, *, public_key: str) -> None:
    """Verify by the text of the specification, with a library that knows nothing of webhooks."""
    assert public_key.startswith("whpk_")
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key.removeprefix("whpk_")))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    (signature,) = (
        value.removeprefix("v1a,") for value in headers["webhook-signature"].split(" ") if "v1a," in value
    )
    key.verify(base64.b64decode(signature, validate=True), signed)


def test_svix_accepts_it_during_a_rotation_and_refuses_a_third_secret() -> None:
    body = '{"pair":"gold–iwm"}'.encode()
    headers = headers_for(body, NEW, OLD)

    SvixWebhook(OLD).verify(body, headers)
    SvixWebhook(NEW).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        SvixWebhook(NEW).verify(body + b" ", headers)
    with pytest.raises(WebhookVerificationError):
        SvixWebhook(OLD).verify(body, headers_for(body, NEW))


def test_public_key_verifies_an_ed25519_signature_and_nothing_else_does() -> None:
    key = parse_ed25519_key(PRIVATE)
    headers = headers_signed_by(b"{}", key)

    verify_v1a(headers, b"{}", public_key=key.public_key)
    with pytest.raises(InvalidSignature):
        verify_v1a(headers, b"{ }", public_key=key.public_key)
    other = parse_ed25519_key("whsk_" + base64.b64encode(bytes(32)).decode())
    with pytest.raises(InvalidSignature):
        verify_v1a(headers, b"{}", public_key=other.public_key)


@pytest.mark.parametrize("library", [Webhook, SvixWebhook])
def test_libraries_find_the_hmac_between_ed25519_signatures(library: type[Webhook]) -> None:
    key = parse_ed25519_key(PRIVATE)
    headers = headers_signed_by(b"{}", key, parse_secret(OLD), key, parse_secret(NEW))

    library(OLD).verify(b"{}", headers)
    library(NEW).verify(b"{}", headers)
    with pytest.raises(WebhookVerificationError):
        library(NEW).verify(b"{}", headers_signed_by(b"{}", key))


def test_key_of_rfc_8032_has_the_public_key_and_signature_of_rfc_8032() -> None:
    seed = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
    key = parse_ed25519_key("whsk_" + base64.b64encode(seed).decode())

    assert base64.b64decode(key.public_key.removeprefix("whpk_")).hex() == (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
    )
    assert key.sign(b"r").hex() == (
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("whsec_" + base64.b64encode(bytes(32)).decode(), "begins with whsk_"),
        ("whpk_" + base64.b64encode(bytes(32)).decode(), "begins with whsk_"),
        ("whsk_ä" + base64.b64encode(bytes(32)).decode(), "not base64"),
        ("whsk_not base64!", "not base64"),
        ("whsk_" + base64.b64encode(bytes(31)).decode(), "32 bytes, was 31"),
        ("whsk_" + base64.b64encode(bytes(64)).decode(), "32 bytes, was 64"),
    ],
)
def test_unusable_signing_key_is_refused_without_being_shown(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint) as caught:
        parse_ed25519_key(text)

    assert text.partition("_")[2] not in str(caught.value)


def test_key_is_not_shown_when_it_is_printed() -> None:
    assert base64.b64encode(b"the seed")[:8].decode() not in repr(parse_ed25519_key(PRIVATE))
    assert "the seed" not in repr(parse_ed25519_key(PRIVATE))

"""Our signature against the reference library and against the specification's own example."""

import base64
from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from services.notifier.core.signing import parse_secret, webhook_signature
from tests.support.builders import divergence

OLD = "whsec_" + base64.b64encode(b"the secret of last month, retired").decode()
NEW = "whsec_" + base64.b64encode(b"the secret of this month, current").decode()


def headers_for(body: bytes, *secrets: str) -> dict[str, str]:
    timestamp = int(datetime.now(UTC).timestamp())
    return {
        "webhook-id": "ev_1",
        "webhook-timestamp": str(timestamp),
        "webhook-signature": webhook_signature(
            body,
            message_id="ev_1",
            timestamp_seconds=timestamp,
            keys=[parse_secret(each) for each in secrets],
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

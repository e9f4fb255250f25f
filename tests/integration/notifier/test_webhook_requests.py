"""What a webhook's request contains: headers, signatures, and bodies that are made for one receiver."""

import base64
import dataclasses

import pytest
from standardwebhooks.webhooks import Webhook
from svix.webhooks import Webhook as SvixWebhook

from services.notifier.channels.ports import Message
from services.notifier.channels.webhook_client import make_webhook_client
from services.notifier.channels.webhook_http import WebhookHttp
from services.notifier.core.attempt_result import Delivered
from services.notifier.core.deliveries import Replaced
from services.notifier.core.signing import parse_ed25519_key, parse_secret
from shared.clock import SystemClock
from shared.domain.deliveries import Outcome
from shared.errors import ConfigError
from tests.integration.notifier.webhook_channel import LOOPBACK, MESSAGE, SECRET, webhook
from tests.support.receivers import Answer, WebhookReceiver

OTHER_SECRET = "whsec_" + base64.b64encode(b"another secret, that rotates out").decode()


async def test_ordinary_request_has_only_the_headers_of_the_page_about_webhooks() -> None:
    async with WebhookReceiver() as receiver, webhook(receiver.url) as channel:
        await channel.attempt(MESSAGE)

    assert set(receiver.requests[0].headers) == {
        "host",
        "accept",
        "accept-encoding",
        "user-agent",
        "content-type",
        "content-length",
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
    }


async def test_message_carries_its_number_and_what_was_not_delivered() -> None:
    message = dataclasses.replace(
        MESSAGE,
        endpoint_sequence=19,
        replaces=(
            Replaced(endpoint_sequence=17, outcome=Outcome.EXPIRED),
            Replaced(endpoint_sequence=18, outcome=Outcome.SUPERSEDED),
        ),
    )
    async with WebhookReceiver() as receiver, webhook(receiver.url) as channel:
        await channel.attempt(message)

    headers = receiver.requests[0].headers
    assert headers["convex-sequence"] == "19"
    assert headers["convex-not-delivered"] == "17=expired, 18=superseded"


async def test_receivers_own_headers_and_body_are_sent_and_the_signature_is_over_that_body() -> None:
    def body_of(message: Message) -> bytes:
        return b'{"routing_key": "x", "payload": ' + message.body.strip() + b"}"

    async with (
        WebhookReceiver() as receiver,
        webhook(
            receiver.url,
            headers=(("Authorization", "Bearer x"), ("X-Desk", "gold")),
            content_type="application/vnd.pager+json",
            body_of=body_of,
        ) as channel,
    ):
        await channel.attempt(MESSAGE)

    (request,) = receiver.requests
    assert request.body == body_of(MESSAGE)
    assert request.headers["content-type"] == "application/vnd.pager+json"
    assert (request.headers["authorization"], request.headers["x-desk"]) == ("Bearer x", "gold")
    assert Webhook(SECRET).verify(request.body, request.headers)["routing_key"] == "x"
    SvixWebhook(SECRET).verify(request.body, request.headers)


async def test_no_header_of_a_receiver_replaces_the_ones_that_are_signed() -> None:
    async with (
        WebhookReceiver() as receiver,
        webhook(receiver.url, headers=(("Webhook-Id", "forged"), ("CONTENT-TYPE", "text/plain"))) as channel,
    ):
        await channel.attempt(MESSAGE)

    (request,) = receiver.requests
    assert request.headers["content-type"] == "text/plain"
    Webhook(SECRET).verify(request.body, request.headers)
    assert request.headers["webhook-id"] == "ev_1"


async def test_both_secrets_and_an_ed25519_key_sign_one_message() -> None:
    key = parse_ed25519_key("whsk_" + base64.b64encode(b"the seed of an ed25519 key, 32 b").decode())
    async with (
        WebhookReceiver() as receiver,
        make_webhook_client(timeout_seconds=5.0, allowed=LOOPBACK, max_connections=4) as client,
    ):
        channel = WebhookHttp(
            url=receiver.url,
            keys=(parse_secret(SECRET), key, parse_secret(OTHER_SECRET)),
            client=client,
            clock=SystemClock(),
        )
        assert await channel.attempt(MESSAGE) == Delivered()

    (request,) = receiver.requests
    for secret in (SECRET, OTHER_SECRET):
        Webhook(secret).verify(request.body, request.headers)
        SvixWebhook(secret).verify(request.body, request.headers)
    assert [each.partition(",")[0] for each in request.headers["webhook-signature"].split(" ")] == [
        "v1",
        "v1a",
        "v1",
    ]


@pytest.mark.parametrize(
    ("name", "value"), [("X-Desk", "a\r\nBcc: b"), ("X-Desk\n", "a"), ("X-Desk", "\0"), ("X\rY", "")]
)
async def test_header_that_would_break_the_request_is_a_configuration_error(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match="line break or NUL"):
        async with webhook("http://desk.example/", headers=((name, value),)):
            pass


async def test_cookies_of_one_answer_are_not_sent_with_the_next_request() -> None:
    async with (
        WebhookReceiver(Answer(headers={"set-cookie": "session=1; path=/"})) as receiver,
        webhook(receiver.url) as channel,
    ):
        await channel.attempt(MESSAGE)
        await channel.attempt(MESSAGE)

    assert "cookie" not in receiver.requests[1].headers
